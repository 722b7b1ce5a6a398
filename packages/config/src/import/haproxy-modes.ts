// Modes of the sections of a haproxy.cfg, before their lines are read: rules and conditions depend on them. A frontend of
// mode tcp whose backends are all HTTP is HTTP: HAProxy turns such connections into HTTP.
import type { HaproxySection } from './haproxy-text.ts';

type Mode = 'http' | 'tcp';

/** By `frontend NAME` and `backend NAME`; a `listen` is both. Sections of other modes are left out. */
export function modesOf(sections: readonly HaproxySection[]): ReadonlyMap<string, Mode> {
  const modes = new Map<string, Mode>();
  const defaults = new Map<string, string | undefined>();
  for (const section of sections) {
    const { keyword, name, from = '' } = section;
    const inherited = keyword === 'defaults' && section.from === undefined ? undefined : defaults.get(from);
    const mode = ownMode(section) ?? inherited;
    if (keyword === 'defaults') defaults.set(name, mode).set('', mode);
    const known = mode ?? 'tcp';
    if (known !== 'http' && known !== 'tcp') continue;
    for (const kind of ['frontend', 'backend']) {
      const key = `${kind} ${name}`;
      if ((keyword === kind || keyword === 'listen') && !modes.has(key)) modes.set(key, known);
    }
  }
  for (const section of sections) upgrade(section, modes);
  return modes;
}

/** Names of backends without servers. */
export function answeringOf(sections: readonly HaproxySection[]): ReadonlySet<string> {
  const serving: readonly string[] = ['server', 'server-template', 'dispatch', 'use-server'];
  const names = sections.flatMap(({ keyword, name, lines }) =>
    keyword === 'backend' && !lines.some(({ words }) => serving.includes(words[0] ?? '')) ? [name] : [],
  );
  return new Set(names);
}

/** Names of `listen` sections with rules: these stand with the listener here, not with the servers. */
export function closedListens(sections: readonly HaproxySection[]): ReadonlySet<string> {
  const isRule = (keyword = ''): boolean => /^(?:http-|tcp-request$|redirect$|block$|req|rsp)/.test(keyword);
  const closed = sections.filter(
    ({ keyword, lines }) =>
      keyword === 'listen' && lines.some(({ words }) => isRule(words[0]) && words[0] !== 'http-check'),
  );
  return new Set(closed.map(({ name }) => name));
}

function ownMode({ lines }: HaproxySection): string | undefined {
  return lines.findLast(({ words, fault }) => fault === undefined && words[0] === 'mode')?.words[1];
}

function upgrade({ keyword, name, lines }: HaproxySection, modes: Map<string, Mode>): void {
  const key = `frontend ${name}`;
  if (keyword !== 'frontend' || modes.get(key) !== 'tcp') return;
  const targets = lines.flatMap(({ words }) =>
    words[0] === 'use_backend' || words[0] === 'default_backend' ? [words[1] ?? ''] : [],
  );
  const known = targets.flatMap((target) => modes.get(`backend ${target}`) ?? []);
  if (known.length > 0 && known.every((mode) => mode === 'http')) modes.set(key, 'http');
}
