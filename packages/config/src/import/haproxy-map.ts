// `use_backend %[req.hdr(host),lower,map(FILE,default)]`: a map whose entry names the backend.
import { basename } from 'node:path';
import type { FlowValue, PairDraft } from './pair-draft.ts';

interface MapUse {
  readonly name: string;
  readonly file: string;
  readonly key: FlowValue;
  readonly fallback?: string;
  readonly remarks: readonly string[];
}

interface Key {
  readonly form: RegExp;
  readonly make: (name: string, which: number | undefined) => FlowValue;
}

const which = (occurrence: number | undefined): { readonly occurrence?: number } =>
  occurrence === undefined ? {} : { occurrence };

const KEYS: readonly Key[] = [
  { form: /^path$/, make: () => 'path' },
  { form: /^src$/, make: () => 'source' },
  { form: /^(?:req\.)?fhdr\(([\w-]+)(?:,(-?\d+))?\)$/i, make: (header, at) => ({ header, ...which(at) }) },
  { form: /^(?:req\.)?hdr\(([\w-]+)(?:,(-?\d+))?\)$/i, make: (headerMember, at) => ({ headerMember, ...which(at) }) },
  { form: /^(?:req\.)?cook\(([^,)]+)\)$/, make: (cookie) => ({ cookie }) },
  { form: /^(?:url_param|urlp)\(([^,)]+)\)$/, make: (query) => ({ query, occurrence: 1 }) },
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
  const [, fetch = '', converters = '', how = '', file = '', fallback] = match;
  const kind = Object.hasOwn(MATCHES, how) ? MATCHES[how] : undefined;
  if (kind === undefined)
    return `"${how}" is not served by this version: a map is asked for the whole key, its beginning (map_beg) or its domain (map_dom)`;
  if (!file.startsWith('/')) return 'the path of a map is absolute here';
  const key = readKey(fetch, { converters, isDomain: kind === 'suffix' });
  if (typeof key === 'string') return key;
  const name = nameOf(draft, file, kind);
  draft.maps[name] = { file, match: kind };
  const remarks = [
    ...key.remarks,
    ...(how === 'map_dom' ? ['the entry of the longest domain counts, not the first of the file'] : []),
  ];
  return { name, file, key: key.key, remarks, ...(fallback === undefined ? {} : { fallback }) };
}

interface KeyUse {
  readonly converters: string;
  readonly isDomain: boolean;
}

function readKey(
  fetch: string,
  { converters, isDomain }: KeyUse,
): { readonly key: FlowValue; readonly remarks: readonly string[] } | string {
  const isLower = converters.includes('lower');
  const cutsPort = /field|word/.test(converters);
  if (/^(?:req\.)?f?hdr\(host\)$/i.test(fetch)) {
    // The key `host` is in lower case and without port.
    if (!isLower && !cutsPort && !isDomain) return { key: { header: 'Host' }, remarks: [] };
    const remarks = [
      ...(isLower ? [] : ['the host is asked for in lower case']),
      ...(cutsPort ? [] : ['without the port behind it']),
    ];
    return { key: 'host', remarks };
  }
  const entry = KEYS.find(({ form }) => form.test(fetch));
  if (entry === undefined) return `a map is not asked with "${fetch}" in this version`;
  if (converters !== '') return `a map is asked with "${fetch}" as it came, without "${converters.slice(1)}"`;
  if (isDomain) return 'a map by domain is asked with the host only';
  const [, name = '', at] = entry.form.exec(fetch) ?? [];
  return { key: entry.make(name, at === undefined ? undefined : Number(at)), remarks: [] };
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
