// The pairs whose failover is measured: Tospann, and Debian's keepalived with haproxy. One interface, so that the same
// events hit both.
import {
  Pair,
  AddressWatch,
  createLab,
  PAIR_TOPOLOGY,
  startHaproxy,
  startKeepalived,
  startOrigin,
  until,
  VIP,
  type Lab,
  type LabNode,
} from '@tospann/lab';

/** A pair in a lab of its own; lb1 has the higher priority. */
export interface System extends AsyncDisposable {
  readonly name: string;
  readonly lab: Lab;
  readonly watch: AddressWatch;
  /** Starts what runs on a node; for one that was stopped or killed too. */
  start(node: 'lb1' | 'lb2'): Promise<void>;
  /** Ends a node as an operator does, and waits for the end. */
  stop(node: 'lb1'): Promise<void>;
  /** Pids of the process that serves HTTP on lb1. */
  proxyPids(): number[];
}

/** Tospann with the article's configuration and another advert interval. */
export async function tospannPair(advertIntervalMs: number): Promise<System> {
  const interval = `advertInterval: ${advertIntervalMs}ms$1`;
  const pair = await Pair.create({ configure: (yaml) => yaml.replace(/advertInterval: \S+?([,\s}])/, interval) });
  return {
    name: 'tospann',
    lab: pair.lab,
    watch: pair.watch,
    start: async (node) => void (await pair.member(node).start(pair.configFile)),
    stop: async (node) => void (await pair.member(node).stop()),
    proxyPids: () => pair.lb1.childPids('proxy'),
    [Symbol.asyncDispose]: async () => await pair[Symbol.asyncDispose](),
  };
}

/** Debian's keepalived and haproxy on both nodes. */
export async function keepalivedPair(advertIntervalMs: number): Promise<System> {
  const lab = createLab(PAIR_TOPOLOGY);
  await Promise.all(['web1', 'web2'].map(async (name) => await startOrigin(lab.node(name))));
  const watch = await AddressWatch.start([lab.node('lb1'), lab.node('lb2')], VIP);
  const advertInterval = String(advertIntervalMs / 1000);
  let proxyPid = 0;
  const start = async (name: 'lb1' | 'lb2'): Promise<void> => {
    const node: LabNode = lab.node(name);
    const proxy = await startHaproxy(lab, node);
    if (name === 'lb1') proxyPid = proxy.pid;
    await startKeepalived(lab, name, { priority: name === 'lb1' ? 150 : 100, advertInterval });
  };
  return {
    name: 'keepalived + haproxy',
    lab,
    watch,
    start,
    stop: async (name) => {
      lab.node(name).killGroup('SIGTERM');
      await until('the end of lb1', () => lab.node(name).pids().length === 0, { timeoutMs: 10_000 });
    },
    proxyPids: () => [proxyPid],
    [Symbol.asyncDispose]: async () => {
      await watch[Symbol.asyncDispose]();
      lab.close();
    },
  };
}
