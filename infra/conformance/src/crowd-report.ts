// The crowd rows' section of docs/abuse.md, which is behind the section of the other rows. Text in, text out.

import { PATIENCE_MS } from './abuse-crowds.ts';

const TITLE = '## Crowds';

const crowdText = (counts: string, table: string): string => `${TITLE}

Written by \`node --conditions=@tospann/source infra/conformance/src/crowds.ts --counts ${counts} --write\`: so many clients on one frontend, none of
which reads, and then 20 requests on new connections to another frontend of the same worker, whose server is well. A cell says how
long these took (median, and the slowest), and by how much the memory of the proxy (Pss) is larger than before. Every
time-out is two minutes. Who has no answer in ${PATIENCE_MS / 1000} s
is not served. Each row has a proxy of its own, one worker each. A slow reader
takes two descriptors; 20 000 are what the machine gives to a process. nginx has no queue: what is beyond a server's one request gets
a 502 at once. \`infra/conformance/test/abuse.test.ts\` plays each way with 600 clients in every run of the tests. Times are those of
a machine of two cores on which some 20 other processes worked: they say how the four compare, not how long it takes.

${table}
`;

/** The document with the section anew. */
export function withCrowds(document: string, { counts, table }: { counts: string; table: string }): string {
  return `${withoutCrowds(document).trimEnd()}\n\n${crowdText(counts, table)}`;
}

/** The section as it stands in the document; '' when there is none. */
export function crowdsOf(document: string): string {
  const at = document.indexOf(TITLE);
  return at < 0 ? '' : document.slice(at);
}

function withoutCrowds(document: string): string {
  const at = document.indexOf(TITLE);
  return at < 0 ? document : document.slice(0, at);
}
