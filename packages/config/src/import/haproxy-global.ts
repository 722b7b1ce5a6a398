// The `global` section of haproxy.cfg: the old process, most of which has another form here.
import type { HaproxyContext } from './haproxy-context.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { Answer } from './report.ts';

// One answer for each keyword that needs no thought.
const ANSWERS: Readonly<Record<string, Answer>> = {
  log: {
    verdict: 'changed',
    why: 'nothing is sent to syslog by this version: access log lines go to standard output (the journal keeps them) or to log.access.file',
    target: 'log.access',
  },
  chroot: {
    verdict: 'changed',
    why: 'another form here: the proxy process drops to an unprivileged user and needs no file after its start',
    target: 'proxy.user',
  },
  pidfile: {
    verdict: 'not-needed',
    why: 'the supervisor knows its children; systemd or the control socket replace a pid file',
  },
  user: {
    verdict: 'changed',
    why: 'the proxy process becomes the user tospann, so that nothing else runs as it',
    target: 'proxy.user',
  },
  uid: { verdict: 'changed', why: 'the proxy process becomes the user tospann', target: 'proxy.user' },
  group: { verdict: 'not-needed', why: 'the proxy process takes the group of its user' },
  gid: { verdict: 'not-needed', why: 'the proxy process takes the group of its user' },
  daemon: {
    verdict: 'not-needed',
    why: 'another form here: "tospann run" stays in the foreground, systemd keeps it running',
  },
  'master-worker': { verdict: 'not-needed', why: 'the supervisor always restarts its children' },
  'ulimit-n': { verdict: 'not-needed', why: 'the limit of descriptors is raised by systemd (LimitNOFILE)' },
  stats: {
    verdict: 'changed',
    why: 'the control socket is admin.sock in the run directory (0660) and speaks the HTTP API',
  },
  nbproc: {
    verdict: 'refused',
    why: 'worker threads share counters and server state here, so processes are not needed; proxy.threads is auto',
  },
  'cpu-map': { verdict: 'not-needed', why: 'worker threads are placed by the kernel' },
  setenv: { verdict: 'taken', why: 'for the lines below' },
  presetenv: { verdict: 'taken', why: 'for the lines below, unless --env gives it' },
  unsetenv: { verdict: 'taken', why: 'for the lines below' },
  quiet: { verdict: 'not-needed', why: 'messages go to standard error as JSON lines' },
  debug: { verdict: 'not-needed', why: 'messages go to standard error as JSON lines' },
  node: { verdict: 'not-needed', why: 'the names of the nodes are in cluster.nodes' },
  description: { verdict: 'not-needed', why: 'it had no effect on traffic' },
  'hard-stop-after': { verdict: 'refused', why: 'the drain limit cannot be set in this version' },
};

/** Answers one line of `global`; lines without an answer are refused by the report. */
export function answerGlobal(context: HaproxyContext, line: HaproxyLine): void {
  const [keyword = '', value = ''] = line.words;
  if (keyword === 'maxconn' && /^\d+$/.test(value)) {
    // Answered at the end, when the limits of the frontends are known.
    context.globalMaxconn = { value: Number(value), line };
    return;
  }
  if (keyword === 'spread-checks') {
    answerSpread(context, line, value);
    return;
  }
  if (keyword === 'nbthread' && /^\d+$/.test(value)) {
    context.draft.threads = Math.min(64, Math.max(1, Number(value)));
    context.report.answer(line, { verdict: 'taken', why: 'worker threads', target: 'proxy.threads' });
    return;
  }
  if (keyword.startsWith('ssl-') || keyword === 'ca-base' || keyword === 'crt-base') {
    context.report.answer(line, { verdict: 'refused', why: 'TLS is not served by this version' });
    return;
  }
  if (keyword.startsWith('tune.')) {
    context.report.answer(line, { verdict: 'not-needed', why: 'it tunes the buffers of the old process' });
    return;
  }
  const answer = Object.hasOwn(ANSWERS, keyword) ? ANSWERS[keyword] : undefined;
  if (answer !== undefined) context.report.answer(line, answer);
}

function answerSpread(context: HaproxyContext, line: HaproxyLine, value: string): void {
  const target = 'backends.*.check.jitter';
  if (!/^\d{1,2}$/.test(value) || Number(value) > 50) {
    context.report.answer(line, { verdict: 'refused', why: 'checks are spread by 0 to 50 percent', target });
    return;
  }
  context.jitter = `${Number(value)}%`;
  context.report.answer(line, { verdict: 'taken', why: 'of every check', target });
}

/** Answers `maxconn` of `global`: the limit of the process next to the limits of the frontends. */
export function answerGlobalMaxconn(context: HaproxyContext): void {
  const limit = context.globalMaxconn;
  if (limit === undefined) return;
  const { frontends } = context.draft;
  const target = 'frontends.*.maxConnections';
  for (const frontend of frontends) frontend.maxConnections ??= limit.value;
  const sum = frontends.reduce((total, frontend) => total + (frontend.maxConnections ?? 0), 0);
  if (sum <= limit.value) {
    const why = `each frontend has its own limit here; together they allow ${sum} connections on a node, within the ${limit.value} of the old process`;
    context.report.answer(limit.line, { verdict: 'changed', why, target });
    return;
  }
  for (const frontend of frontends) frontend.maxConnections = Math.min(frontend.maxConnections ?? sum, limit.value);
  const why = `there is no limit for the process here: no frontend is given more than ${limit.value}, but together they may reach ${sum}`;
  context.report.answer(limit.line, { verdict: 'changed', why, target });
}
