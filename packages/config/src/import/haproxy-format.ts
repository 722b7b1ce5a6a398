// HAProxy's log-format expressions (`%[req.hdr(host)]`, `%ci`) as templates of the new file (`${host}`), as far as
// there is a variable of the same meaning.

const VARIABLES: readonly (readonly [RegExp, string])[] = [
  [/^src$/, '${clientAddress}'],
  [/^(?:req\.)?hdr\(host\),(?:lower|field\(1,:\))(?:,lower|,field\(1,:\))?$/i, '${host}'],
  [/^(?:req\.)?f?hdr\(([\w-]+)\)$/i, '${header:$1}'],
  [/^path$/, '${path}'],
  [/^query$/, '${query}'],
  [/^method$/, '${method}'],
  [/^dst_port$/, '${port}'],
  [/^fe_name$/, '${frontend}'],
  [/^unique-id$/, '${requestId}'],
  [/^ssl_fc,iif\(https,http\)$/, '${scheme}'],
];

const LETTERS: Readonly<Record<string, string>> = {
  '%ci': '${clientAddress}',
  '%fp': '${port}',
  '%f': '${frontend}',
  '%HM': '${method}',
  '%HPO': '${path}',
  '%HP': '${path}',
  '%ID': '${requestId}',
  '%%': '%',
};

/** What stands for path and query together: only good where both are appended anyway. */
const WHOLE_URI = /%\[(?:capture\.req\.uri|url|pathq|path,?)\]$/;

/** The text as a template, or undefined when it has an expression without counterpart. */
export function readFormat(text: string): string | undefined {
  let unknown = false;
  const template = text.replace(/%\[([^\]]*)\]|%HPO|%(?:ci|fp|f|HM|HP|ID|%)|%|\$/g, (whole, inside?: string) => {
    if (whole === '$') return '$$$$'.slice(0, 2);
    const found = inside === undefined ? LETTERS[whole] : readFetch(inside);
    if (found === undefined) unknown = true;
    return found ?? '';
  });
  return unknown ? undefined : template;
}

function readFetch(inside: string): string | undefined {
  const text = inside.replaceAll(/\s/g, '');
  const entry = VARIABLES.find(([form]) => form.test(text));
  return entry === undefined
    ? undefined
    : text.replace(entry[0], entry[1].replaceAll('$', '$$$$').replace('$$1', '$1'));
}

/** Splits off path and query at the end: `https://a.example%[capture.req.uri]` is the prefix `https://a.example`. */
export function readPrefixFormat(text: string): string | undefined {
  return WHOLE_URI.test(text) ? readFormat(text.replace(WHOLE_URI, '')) : undefined;
}
