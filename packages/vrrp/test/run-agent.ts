// Development entry: runs the agent of one node from source, for instance in a network namespace:
//   ip netns exec tE-a node --conditions=@tospann/source packages/vrrp/test/run-agent.ts '{"node":"lb1", ...}'
// Events and snapshots are JSON lines on standard output; commands are lines on standard input: serves,
// no-live-server, cannot-serve, failover, stop, close, snapshot. It serves no request.
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { startVrrp } from '../src/index.ts';
import { pairConfig, type PairShape } from './pair-config.ts';

const shape = JSON.parse(process.argv[2] ?? '{}') as PairShape & { readonly node: string };
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const execArgv = ['--conditions=@tospann/source', '--disable-warning=ExperimentalWarning'];
const service = startVrrp({
  config: pairConfig(shape),
  node: shape.node,
  guard: shape.guard ?? false,
  startWorker: (name, workerData) =>
    new Worker(new URL(`../src/io/${name}.ts`, import.meta.url), { execArgv, workerData }),
  onEvent: say,
  log: say,
  onFatal: (error) => say({ event: 'fatal', code: error.code, message: error.message }),
});
service.ready.then(
  () => say({ event: 'ready' }),
  (error: Error & { code?: string }) => say({ event: 'failed', code: error.code, message: error.message }),
);
service.ended.then(
  () => process.exit(0),
  () => process.exit(1),
);

const commands: Readonly<Record<string, () => void>> = {
  serves: () => service.setCanServe('serves', 'told so'),
  'no-live-server': () => service.setCanServe('no-live-server', 'told so'),
  'cannot-serve': () => service.setCanServe('cannot-serve', 'told so'),
  failover: () =>
    void service.failover().then(
      (report) => say({ event: 'failover', ...report }),
      (error: Error & { code?: string }) => say({ event: 'failover-error', code: error.code, message: error.message }),
    ),
  stop: () => void service.stop(),
  close: () => void service.close(),
  snapshot: () => say({ event: 'snapshot', snapshot: service.snapshot() }),
};
createInterface({ input: process.stdin })
  .on('line', (line) => commands[line.trim()]?.())
  .on('close', () => void service.close());
