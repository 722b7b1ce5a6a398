// Plays exchanges with canaries: every request and every answer carries its number in head and body, while clients and
// servers send too much, too little, too late, in pieces, and end by FIN or RST at every point. Wrong is a byte that is
// another exchange's, an answer out of order, a cut answer that looks whole, and what is left behind at the end.
//
//   node --conditions=@tospann/source --disable-warning=ExperimentalWarning packages/proxy/test/canary/run.ts \
//     --transport memory|ring|node [--exchanges 20000] [--seed 1] [--one]
//
// --one (memory): only the world of this seed, to replay one that was wrong. Prints a line of JSON; exit 1: wrong.
import { parseArgs } from 'node:util';
import { playOnMemory } from './on-memory.ts';
import { playOnSockets } from './on-sockets.ts';

const { values } = parseArgs({
  options: {
    transport: { type: 'string', default: 'memory' },
    exchanges: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    one: { type: 'boolean', default: false },
  },
});

const { transport, one } = values;
const exchanges = Number(values.exchanges);
const seed = Number(values.seed);
const startMs = performance.now();
const { wrong, counts } =
  transport === 'ring' || transport === 'node'
    ? await playOnSockets(transport, exchanges, seed)
    : playOnMemory(exchanges, seed, one);
const seconds = Math.round((performance.now() - startMs) / 1000);
process.stdout.write(`${JSON.stringify({ transport, exchanges, seed, seconds, ...counts, wrong })}\n`);
process.exit(wrong === '' ? 0 : 1);
