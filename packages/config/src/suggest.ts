// "Did you mean": the nearest known key to a wrong one, by spelling, or by the name that HAProxy and keepalived
// use for the same thing.

// Names that operators bring along; each maps to the key, or the keys at different places, that mean the same here.
const FAMILIAR: Readonly<Record<string, string | readonly string[]>> = {
  maxconn: 'maxConnections',
  default_backend: 'defaultBackend',
  use_backend: ['rules', 'use'],
  acl: 'acls',
  path_beg: 'pathPrefix',
  path_end: 'pathSuffix',
  path: 'pathExact',
  virtual_router_id: 'routerId',
  vrid: 'routerId',
  advert_int: 'advertInterval',
  inter: 'interval',
  fastinter: 'fastInterval',
  server: 'servers',
  frontend: 'frontends',
  backend: 'backends',
  listen: 'frontends',
  timeout: 'timeouts',
  forwardfor: 'forwardedFor',
  except: 'exceptFrom',
  dontlognull: 'ignoreEmpty',
  nbthread: 'threads',
  binds: 'bind',
  port: 'address',
  virtual_ipaddress: 'address',
  priority: 'preferred',
  uri: 'path',
  path_reg: 'pathRegex',
  path_dir: 'pathPrefix',
  hdr: 'header',
  hdr_dom: 'host',
  hosts: 'host',
  domain: 'host',
  src: 'source',
  dst_port: 'port',
  ports: 'port',
  cook: 'cookie',
  url_param: 'query',
  urlp: 'query',
  methods: 'method',
  'accept-proxy': 'acceptProxyFrom',
  'http-request': 'rules',
  'http-response': 'rules',
  'tcp-request': ['rules', 'limits'],
  redir: 'redirect',
  'del-header': 'removeHeader',
  delheader: 'removeHeader',
  'replace-path': 'replacePrefix',
  reqrep: 'replacePrefix',
  unless: 'if',
  when: 'if',
  condition: 'if',
  backends: 'use',
  httpchk: 'check',
  'http-check': ['expect', 'check'],
  'tcp-check': ['dialogue', 'check'],
  downinter: 'downInterval',
  'spread-checks': 'jitter',
  'agent-check': 'agent',
  'agent-port': 'port',
  'agent-inter': 'interval',
  abortonclose: 'abortOnClose',
  'on-marked-down': 'closeSessionsWhenDown',
  'send-proxy': 'sendProxy',
  'send-proxy-v2': 'sendProxy',
  'hash-balance-factor': 'bound',
  'hash-type': 'hash',
  fullconn: 'maxConnections',
  errorfile: 'errorPages',
  errorfiles: 'errorPages',
  'stick-table': 'limits',
  'rate-limit': ['connectionRate', 'limits'],
  ratelimit: 'limits',
  conn_rate: 'connectionRate',
  http_req_rate: 'requestRate',
  conn_cur: 'connectionsPerSource',
  algo: 'algorithms',
  minlength: 'minSize',
  'unique-id-header': 'requestId',
};

/** The known key that was most likely meant, or undefined. */
export function didYouMean(wrong: string, known: readonly string[]): string | undefined {
  const name = wrong.toLowerCase();
  const familiar = Object.hasOwn(FAMILIAR, name) ? FAMILIAR[name] : undefined;
  const here = [familiar ?? []].flat().find((key) => known.includes(key));
  if (here !== undefined) return here;
  const folded = fold(wrong);
  let best: { key: string; distance: number } | undefined;
  for (const key of known) {
    const distance = editDistance(folded, fold(key));
    if (best === undefined || distance < best.distance) best = { key, distance };
  }
  const allowed = Math.max(1, Math.floor(wrong.length / 3));
  return best !== undefined && best.distance <= allowed ? best.key : undefined;
}

/** Spelling without case, dashes and underscores: `max_connections` is `maxConnections`. */
function fold(text: string): string {
  return text.slice(0, 64).toLowerCase().replace(/[-_]/g, '');
}

/** Levenshtein distance with adjacent swaps counted as one. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      row.push(value);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
