// Plays seeded histories of a pair and says what they covered and what was wrong:
//   node --conditions=@tospann/source packages/vrrp/test/simulate.ts --histories 1000000 --seed 1 --workers 2
//   ... --replay 123            one history with its log
//   ... --mutation "terms do not grow"   with a rule broken on purpose
// Exit code 1 when there was a violation. No sockets, no clock but for the run time.
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Coverage } from './simulation-coverage.ts';
import { playHistory } from './simulation-history.ts';
import { mutations, type Mutation } from './simulation-mutations.ts';

interface Share {
  readonly first: number;
  readonly count: number;
  readonly mutation: string;
}

interface Total {
  readonly histories: number;
  readonly events: number;
  readonly transitions: number;
  readonly violations: number;
  readonly examples: readonly { readonly seed: number; readonly text: string }[];
  readonly pairs: Coverage['pairs'];
  readonly decisions: Coverage['decisions'];
}

const mostExamples = 20;

function play({ first, count, mutation: name }: Share): Total {
  const coverage = new Coverage();
  const mutation: Mutation | undefined = mutations[name];
  const examples: { seed: number; text: string }[] = [];
  let events = 0;
  let transitions = 0;
  let violations = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = playHistory(seed, { coverage, ...(mutation === undefined ? {} : { mutation }) });
    events += result.events;
    transitions += result.transitions;
    const text = result.violations[0];
    if (text === undefined) continue;
    violations++;
    if (examples.length < mostExamples) examples.push({ seed, text });
  }
  const { pairs, decisions } = coverage;
  return { histories: count, events, transitions, violations, examples, pairs, decisions };
}

function inWorker(share: Share): Promise<Total> {
  const { promise, resolve, reject } = Promise.withResolvers<Total>();
  const worker = new Worker(new URL(import.meta.url), { workerData: share });
  worker.on('message', resolve);
  worker.on('error', reject);
  return promise;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: '1' },
      mutation: { type: 'string', default: '' },
      replay: { type: 'string' },
    },
  });
  const mutation = mutations[values.mutation];
  if (values.replay !== undefined) {
    const options = { keepLog: true, ...(mutation === undefined ? {} : { mutation }) };
    const result = playHistory(Number(values.replay), options);
    print(result.log.join('\n'));
    print(result.violations.length === 0 ? 'no violation' : result.violations.join('\n'));
    process.exitCode = result.violations.length === 0 ? 0 : 1;
    return;
  }
  const workers = Number(values.workers);
  const count = Math.ceil(Number(values.histories) / workers);
  const startMs = performance.now();
  const shares = Array.from({ length: workers }, (_, index) => ({
    first: Number(values.seed) + index * count,
    count,
    mutation: values.mutation,
  }));
  const totals = await Promise.all(shares.map(inWorker));
  report(totals, (performance.now() - startMs) / 1000);
}

function report(totals: readonly Total[], seconds: number): void {
  const sum = (field: 'histories' | 'events' | 'transitions' | 'violations'): number =>
    totals.reduce((total, each) => total + each[field], 0);
  const coverage = new Coverage();
  for (const total of totals) coverage.add(total);
  for (const [state, events] of Object.entries(coverage.pairs))
    for (const [event, count] of Object.entries(events).toSorted())
      print(`${state.padEnd(8)}${event.padEnd(24)}${count}`);
  print('');
  for (const [name, count] of Object.entries(coverage.decisions).toSorted())
    print(`${String(count).padStart(10)}  ${name}`);
  const pairs = Object.values(coverage.pairs).reduce((total, events) => total + Object.keys(events).length, 0);
  const rate = Math.round(sum('histories') / seconds);
  print('');
  print(
    `${sum('histories')} histories, ${sum('events')} events, ${sum('transitions')} transitions in ${seconds.toFixed(1)} s (${rate}/s)`,
  );
  print(`${pairs} pairs of state and event, ${Object.keys(coverage.decisions).length} different decisions`);
  print(`${sum('violations')} histories with a violation`);
  for (const { seed, text } of totals.flatMap(({ examples }) => examples).slice(0, mostExamples))
    print(`  --replay ${seed}: ${text}`);
  process.exitCode = sum('violations') === 0 ? 0 : 1;
}

if (isMainThread) await main();
// What comes here was made by inWorker.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
else parentPort?.postMessage(play(workerData as Share));
