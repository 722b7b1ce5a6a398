// Plays seeded histories of a pair and says what they covered and what was wrong:
//   node --conditions=@tospann/source packages/vrrp/test/simulate.ts --histories 1000000 --seed 1 --workers 2
//   ... --replay 123            one history with its log
//   ... --mutation "terms do not grow"   with a rule broken on purpose
// Exit code 1 when there was a violation. No sockets, no clock but for the run time.
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData, type MessagePort } from 'node:worker_threads';
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
const partHistories = 5000;

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

/** Plays a share in a thread, part by part; ends when the thread does. */
function inWorker(share: Share, onPart: (total: Total) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(new URL(import.meta.url), { workerData: share });
  worker.on('message', onPart);
  worker.on('error', reject);
  worker.on('exit', () => resolve());
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
  const parts: Total[] = [];
  const conclude = (): void => report(parts, (performance.now() - startMs) / 1000);
  // What was played until then counts.
  process.once('SIGINT', () => {
    conclude();
    process.exit();
  });
  await Promise.all(shares.map((share) => inWorker(share, (part) => parts.push(part))));
  conclude();
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

/** A share in parts, so that what was played is known before the end. */
function playShare(port: MessagePort, { first, count, mutation }: Share): void {
  for (let done = 0; done < count; done += partHistories) {
    const part = { first: first + done, count: Math.min(partHistories, count - done), mutation };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    port.postMessage(play(part));
  }
}

if (isMainThread) await main();
// What comes here was made by inWorker.
else if (parentPort !== null) playShare(parentPort, workerData as Share);
