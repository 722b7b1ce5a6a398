// A sysctl.conf: this version does not tune the kernel, so every key stays where it is; some need a word.
import type { ImportReport, SourceLine } from './report.ts';

const KEEP = 'kernel settings are not changed by this version: keep it in /etc/sysctl.d';

const NOTES: Readonly<Record<string, string>> = {
  'net.ipv4.tcp_tw_recycle':
    'it drops new connections of clients that share an address behind NAT, and left the kernel in Linux 4.12: remove it',
  'net.ipv4.tcp_tw_reuse': `${KEEP}; it helps only connections that this machine opens, and http.serverClose: false makes those few`,
  'net.ipv4.ip_local_port_range': `${KEEP}; keep the ports that Tospann listens on out of the range with net.ipv4.ip_local_reserved_ports`,
  'net.ipv4.tcp_max_syn_backlog': KEEP,
  'net.ipv4.ip_nonlocal_bind': `${KEEP}; listeners on "*" do not need it`,
};

const NOT_NEEDED: Readonly<Record<string, string>> = {
  'net.ipv4.tcp_syncookies': 'SYN cookies are on by default in every kernel that this version runs on',
};

/** Answers every line of the files. */
export function importSysctl(
  sources: readonly { readonly file: string; readonly text: string }[],
  report: ImportReport,
): void {
  for (const source of sources) {
    for (const [index, raw] of source.text.split(/\r?\n/).entries()) {
      const text = raw.trim();
      if (text === '' || /^[#;]/.test(text)) continue;
      answerLine({ file: source.file, line: index + 1, text }, report);
    }
  }
}

function answerLine(line: SourceLine, report: ImportReport): void {
  report.register(line);
  const match = /^-?\s*([\w.\-/*]+)\s*=\s*(.*)$/.exec(line.text);
  if (match === null) {
    report.answer(line, { verdict: 'refused', why: 'it is not "key = value"' });
    return;
  }
  const key = (match[1] ?? '').replaceAll('/', '.');
  const value = (match[2] ?? '').trim();
  const needless = Object.hasOwn(NOT_NEEDED, key) && value === '1' ? NOT_NEEDED[key] : undefined;
  if (needless !== undefined) report.answer(line, { verdict: 'not-needed', why: needless });
  else report.answer(line, { verdict: 'refused', why: (Object.hasOwn(NOTES, key) ? NOTES[key] : undefined) ?? KEEP });
}
