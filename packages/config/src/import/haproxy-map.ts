// `use_backend %[req.hdr(host),lower,map(FILE,default)]`: a map whose entry names the backend.
import { basename } from 'node:path';
import type { FlowValue, PairDraft } from './pair-draft.ts';

interface MapUse {
  readonly name: string;
  readonly file: string;
  readonly key: FlowValue;
  readonly fallback?: string;
}

const KEYS: readonly (readonly [RegExp, (name: string) => FlowValue])[] = [
  [/^(?:req\.)?f?hdr\(host\)$/i, () => 'host'],
  [/^path$/, () => 'path'],
  [/^src$/, () => 'source'],
  [/^(?:req\.)?f?hdr\(([\w-]+)\)$/i, (header) => ({ header })],
  [/^(?:req\.)?cook\(([^,)]+)\)$/, (cookie) => ({ cookie })],
  [/^(?:url_param|urlp)\(([^,)]+)\)$/, (query) => ({ query })],
];

const MATCHES: Readonly<Record<string, string>> = {
  map: 'exact',
  map_str: 'exact',
  map_beg: 'prefix',
  map_dom: 'suffix',
};

/** Reads the expression and makes the map known; text when it has no counterpart. */
export function readMapFetch(draft: PairDraft, text: string): MapUse | string {
  const inside = /^%\[(.*)\]$/.exec(text)?.[1];
  const match = /^(.+?)((?:,(?:lower|field\(1,:\)|word\(1,:\)))*),(map(?:_\w+)?)\(([^,()]+)(?:,([\w.:-]+))?\)$/.exec(
    inside ?? '',
  );
  if (match === null) return 'a backend name made from the request is not served by this version: use a map';
  const [, fetch = '', , how = '', file = '', fallback] = match;
  const kind = MATCHES[how];
  const entry = KEYS.find(([form]) => form.test(fetch));
  if (kind === undefined)
    return `"${how}" is not served by this version: a map is asked for the whole key, its beginning (map_beg) or its domain (map_dom)`;
  if (entry === undefined) return `a map is not asked with "${fetch}" in this version`;
  if (!file.startsWith('/')) return 'the path of a map is absolute here';
  const key = entry[1](entry[0].exec(fetch)?.[1] ?? '');
  const name = nameOf(draft, file, kind);
  draft.maps[name] = { file, match: kind };
  return fallback === undefined ? { name, file, key } : { name, file, key, fallback };
}

function nameOf(draft: PairDraft, file: string, match: string): string {
  const known = Object.entries(draft.maps).find(([, map]) => map.file === file && map.match === match);
  if (known !== undefined) return known[0];
  const base = basename(file)
    .replace(/\.\w+$/, '')
    .replace(/^\W+|[^\w.:-]/g, '_')
    .slice(0, 60);
  const first = base === '' ? 'map' : base;
  let name = first;
  for (let count = 2; Object.hasOwn(draft.maps, name); count += 1) name = `${first}_${count}`;
  return name;
}
