// The abuse rows: what a hostile client or a broken server does to a proxy, what is measured, and the bar. Data and
// small plays; abuse-run.ts plays them, abuse.ts prints them.
import { monotonicMs, pause } from '@tospann/lab';
import { AbuseClient, type AbuseOrigin, memoryOf } from './abuse-ends.ts';
import type { Target, TargetTimeouts } from './targets.ts';

/** The time-outs of the run; short, as rows wait for them. */
export const ABUSE_TIMEOUTS: TargetTimeouts = {
  httpRequestMs: 2000,
  clientMs: 2000,
  serverMs: 2000,
  connectMs: 1000,
  keepAliveMs: 2000,
};

export interface AbuseContext {
  readonly target: Target;
  readonly origin: AbuseOrigin;
  /** Connections of rows that measure memory. */
  readonly connections: number;
}

/** What a row came to. */
export interface AbuseResult {
  readonly figures: string;
  /** What was done is right, whatever the machine's speed. */
  readonly outcome: boolean;
  /** Times and sizes are inside the bar too. */
  readonly inside: boolean;
}

export interface AbuseRow {
  readonly threat: string;
  readonly bar: string;
  play(context: AbuseContext): Promise<AbuseResult>;
}

const KIB = 1024;
const GET = 'GET /ok HTTP/1.1\r\nHost: a.test\r\n\r\n';

const dial = ({ target }: AbuseContext): AbuseClient =>
  new AbuseClient({ address: target.address, port: target.port(0) });
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const kib = (bytes: number): string => `${Math.round(bytes / KIB)} KiB`;

/** Opens connections, plays them side by side, measures the growth for each, and closes them. */
async function withMany(
  context: AbuseContext,
  play: (clients: readonly AbuseClient[]) => Promise<void>,
): Promise<{ readonly clients: readonly AbuseClient[]; readonly grownBytes: number }> {
  const before = memoryOf(context.target.servingPids);
  const clients = Array.from({ length: context.connections }, () => dial(context));
  try {
    await play(clients);
    const grown = memoryOf(context.target.servingPids) - before;
    return { clients, grownBytes: Math.max(0, grown / clients.length) };
  } finally {
    for (const client of clients) client[Symbol.dispose]();
    await pause(50);
  }
}

/** Writes a piece every few ms until there is an answer, the end, or `most` bytes are out. */
async function pour(client: AbuseClient, piece: string, most: number): Promise<number> {
  let sent = 0;
  while (sent < most && !client.over && client.text === '') {
    client.write(piece);
    sent += piece.length;
    await pause(2);
  }
  return sent;
}

const slowHead: AbuseRow = {
  threat: 'slow head: a field each 200 ms',
  bar: '408 within 0.5 s of the time-out, no growth (32 KiB a connection)',
  async play(context) {
    let grown = 0;
    const { clients } = await withMany(context, async (all) => {
      const before = memoryOf(context.target.servingPids);
      for (const client of all) client.write('GET /ok HTTP/1.1\r\nHost: a.test\r\n');
      const endMs = monotonicMs() + ABUSE_TIMEOUTS.httpRequestMs * 3;
      while (all.some((client) => !client.over && client.text === '') && monotonicMs() < endMs) {
        for (const client of all) if (client.text === '') client.write('X-A: b\r\n');
        grown = Math.max(grown, (memoryOf(context.target.servingPids) - before) / all.length);
        await pause(200);
      }
    });
    const times = clients.map((client) => (client.firstByteAtMs ?? client.closedAtMs ?? Infinity) - client.openedAtMs);
    const answered = clients.every(({ status }) => status === 408);
    const late = Math.max(...times) - ABUSE_TIMEOUTS.httpRequestMs;
    const what = answered ? '408' : clients.every(({ over }) => over) ? 'closed without an answer' : 'held';
    const after = Number.isFinite(late) ? ` after ${seconds(Math.max(...times))}` : '';
    return {
      figures: `${what}${after}, ${kib(grown)} a connection`,
      outcome: answered && late > -500,
      inside: late < 500 && grown < 32 * KIB,
    };
  },
};

const slowBody: AbuseRow = {
  threat: 'slow body: a byte each 300 ms',
  bar: 'ended by a least rate or a total limit',
  async play(context) {
    using client = dial(context);
    client.write('POST /silent HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\n');
    const beginMs = monotonicMs();
    const mostMs = ABUSE_TIMEOUTS.clientMs * 4;
    while (!client.over && monotonicMs() - beginMs < mostMs) {
      client.write('x');
      await pause(300);
    }
    const tookMs = (client.closedAtMs ?? Infinity) - beginMs;
    const ended = client.over;
    return {
      figures: ended ? `${client.status} after ${seconds(tookMs)}` : `held for ${seconds(mostMs)} and more`,
      outcome: ended,
      inside: ended,
    };
  },
};

const slowReader: AbuseRow = {
  threat: 'slow reader: an endless answer, nothing is read',
  bar: '256 KiB buffered at most, closed at the time-out',
  async play(context) {
    let closedMs = Infinity;
    const { grownBytes } = await withMany(context, async (clients) => {
      const first = context.origin.served.length;
      const beginMs = monotonicMs();
      for (const client of clients) {
        client.socket.pause();
        client.write('GET /endless HTTP/1.1\r\nHost: a.test\r\n\r\n');
      }
      const mine = (): readonly { closedAtMs: number | undefined }[] => context.origin.served.slice(first);
      const over = (): boolean =>
        mine().length === clients.length && mine().every(({ closedAtMs }) => closedAtMs !== undefined);
      await clients[0]!.wait(over, ABUSE_TIMEOUTS.clientMs * 4);
      closedMs = Math.max(...mine().map(({ closedAtMs }) => (closedAtMs ?? Infinity) - beginMs));
    });
    const closed = Number.isFinite(closedMs);
    return {
      figures: `${kib(grownBytes)} a connection, ${closed ? `closed after ${seconds(closedMs)}` : 'held'}`,
      outcome: closed,
      inside: closed && grownBytes < 256 * KIB,
    };
  },
};

const headSize: AbuseRow = {
  threat: 'size of a head',
  bar: '7 KB accepted; 431, 414 or 400 at 32 KiB or less',
  async play(context) {
    const statusOf = async (bytes: number): Promise<number> => {
      using client = dial(context);
      client.write(`GET /ok HTTP/1.1\r\nHost: a.test\r\nX-A: ${'a'.repeat(bytes)}\r\n\r\n`);
      await client.answered(3000);
      return client.status;
    };
    const sizes = [7000, 9 * KIB, 15 * KIB, 17 * KIB, 33 * KIB];
    const statuses = await Promise.all(sizes.map(statusOf));
    const refused = statuses.findIndex((status) => status !== 200);
    const ok = statuses[0] === 200 && [431, 414, 400].includes(statuses.at(-1) ?? 0);
    return {
      figures: `200 up to ${kib(sizes[refused - 1] ?? 0)}, then ${statuses[refused] ?? 'no limit'}`,
      outcome: ok,
      inside: ok,
    };
  },
};

const fieldCount: AbuseRow = {
  threat: 'number of fields',
  bar: '100 accepted, 201 refused',
  async play(context) {
    const statusOf = async (count: number): Promise<number> => {
      using client = dial(context);
      client.write(`GET /ok HTTP/1.1\r\nHost: a.test\r\n${'X-A: b\r\n'.repeat(count - 1)}\r\n`);
      await client.answered(3000);
      return client.status;
    };
    const [few, many] = await Promise.all([statusOf(100), statusOf(201)]);
    const ok = few === 200 && [431, 400].includes(many);
    return { figures: `100: ${few}, 201: ${many}`, outcome: ok, inside: ok };
  },
};

/** A stream that never ends where the grammar would let it. */
function endless(threat: string, begin: string, piece: string): AbuseRow {
  const most = 512 * KIB;
  return {
    threat,
    bar: '16 KiB (and what is on its way)',
    async play(context) {
      using client = dial(context);
      client.write(begin);
      const sent = await pour(client, piece, most);
      await client.answered(sent < most ? 1000 : 0);
      const refused = client.text !== '' || client.over;
      const answer = client.status === 0 ? 'closed' : String(client.status);
      return {
        figures: refused ? `${answer} after ${kib(sent)}` : `more than ${kib(most)}`,
        outcome: refused && client.status !== 200,
        inside: sent <= 24 * KIB,
      };
    },
  };
}

const POST_CHUNKED = 'POST /silent HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';

const pipelining: AbuseRow = {
  threat: 'pipelining flood: 20 000 requests, nothing is read',
  bar: '1 MiB a connection at most',
  async play(context) {
    const flood = GET.repeat(20_000);
    let cut = 0;
    const { grownBytes } = await withMany(context, async (clients) => {
      for (const client of clients) {
        client.socket.pause();
        client.write(flood);
      }
      await pause(1500);
      cut = clients.filter(({ over }) => over).length;
    });
    using canary = dial(context);
    canary.write(GET);
    await canary.answered(5000);
    const lives = canary.status === 200;
    return {
      figures: `${kib(grownBytes)} a connection${cut > 0 ? `, ${cut} cut` : ''}${lives ? '' : ', others are not served'}`,
      outcome: lives && grownBytes < 4 * KIB * KIB,
      inside: grownBytes < KIB * KIB,
    };
  },
};

const halfClosed: AbuseRow = {
  threat: 'half-closed client: request, then FIN',
  bar: 'answered, then closed',
  async play(context) {
    using client = dial(context);
    client.socket.end(GET);
    await client.ended(5000);
    const ok = client.status === 200 && client.over;
    return {
      figures: client.status === 200 ? (client.over ? 'answered, closed' : 'answered, left open') : 'dropped',
      outcome: ok,
      inside: ok,
    };
  },
};

function cut(threat: string, path: string): AbuseRow {
  return {
    threat,
    bar: 'never shown as complete',
    async play(context) {
      using client = dial(context);
      client.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      await client.ended(ABUSE_TIMEOUTS.serverMs * 2);
      const body = client.text.slice(client.text.indexOf('\r\n\r\n') + 4);
      const complete =
        client.status === 200 && (body.endsWith('0\r\n\r\n') || !/content-length: 100|chunked/i.test(client.text));
      const what = client.status === 200 ? (complete ? 'looks complete' : 'cut') : String(client.status);
      return {
        figures: `${what}${client.over ? ', closed' : ', left open'}`,
        outcome: !complete && client.over,
        inside: client.over,
      };
    },
  };
}

function stall(threat: string, path: string, wanted: number): AbuseRow {
  return {
    threat,
    bar: `${wanted === 504 ? '504' : 'cut'} at the time-out, 0.2 s`,
    async play(context) {
      using client = dial(context);
      client.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      const beginMs = monotonicMs();
      const done = (): boolean => (wanted === 504 ? client.text !== '' : client.over);
      await client.wait(done, ABUSE_TIMEOUTS.serverMs * 4);
      const tookMs = monotonicMs() - beginMs;
      const ok = done() && client.status === wanted;
      const late = tookMs - ABUSE_TIMEOUTS.serverMs;
      return {
        figures: done() ? `${client.status === 504 ? '504' : 'cut'} after ${seconds(tookMs)}` : 'held',
        outcome: ok && late > -500,
        inside: Math.abs(late) < 200,
      };
    },
  };
}

/** All rows of HTTP/1.1. */
export const abuseRows: readonly AbuseRow[] = [
  slowHead,
  slowBody,
  slowReader,
  headSize,
  fieldCount,
  endless('endless field value', 'GET /ok HTTP/1.1\r\nHost: a.test\r\nX-A: ', 'a'.repeat(512)),
  endless('endless empty lines', '', '\r\n'.repeat(256)),
  endless('endless chunk extension', `${POST_CHUNKED}5;`, 'a'.repeat(512)),
  endless('endless small chunk extensions', POST_CHUNKED, `1;${'a'.repeat(250)}\r\nx\r\n`.repeat(2)),
  endless('endless trailers', `${POST_CHUNKED}0\r\n`, `X-A: ${'a'.repeat(505)}\r\n`),
  pipelining,
  halfClosed,
  cut('truncated answer with a length', '/cut-length'),
  cut('truncated chunked answer', '/cut-chunked'),
  stall('server never answers', '/silent', 504),
  stall('server stalls in a body', '/stalls', 200),
];
