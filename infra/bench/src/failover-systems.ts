// The pairs whose failover is measured: Tospann, and Debian's keepalived with haproxy. One interface, so that the same
// events hit both.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  Pair,
  AddressWatch,
  createLab,
  pause,
  PAIR_TOPOLOGY,
  startHaproxy,
  startKeepalived,
  startOrigin,
  until,
  VIP,
  type Lab,
  type LabProcess,
} from '@tospann/lab';

export type NodeName = 'lb1' | 'lb2';

export interface PairTiming {
  readonly advertMs: number;
  /** Adverts that must be missed. @default 3 */
  readonly missed?: number;
}

/** A pair in a lab of its own. */
export interface System extends AsyncDisposable {
  readonly name: 'tospann' | 'keepalived';
  readonly lab: Lab;
  readonly watch: AddressWatch;
  /** Starts what runs on a node, also one that was stopped or killed; `more`: with one more address in its list. */
  start(node: NodeName, more?: boolean): Promise<void>;
  /** Ends a node as an operator does, and waits for the end. */
  stop(node: NodeName): Promise<void>;
  /** Pids of the process that holds the election. */
  agentPids(node: NodeName): number[];
  /** Who owns the address when nothing is wrong; undefined: whoever has it keeps it. */
  readonly home: NodeName | undefined;
}

/** After its start a node asks its own listener and its servers before it may take over. */
const readyMs = 1500;
/** Beside the floating address, for lists that differ. */
const anotherVip = '192.168.1.201';

/** Tospann with the article's configuration, another interval, and no preferred owner, which is its default. */
export async function tospannPair({ advertMs, missed = 3 }: PairTiming): Promise<System> {
  const configure = (yaml: string): string =>
    yaml
      .replace(/advertInterval: \S+?([,\s}])/, `advertInterval: ${advertMs}ms, missedAdverts: ${missed}$1`)
      .replace(/, preferred: lb1/, '');
  const pair = await Pair.create({ configure });
  const otherFile = `${pair.configFile}.more.yaml`;
  const more = readFileSync(pair.configFile, 'utf8').replace(
    /^( {2}VI_1: .*)$/m,
    `$1\n  VI_2: { address: ${anotherVip}/32, advertInterval: ${advertMs}ms, missedAdverts: ${missed} }`,
  );
  writeFileSync(otherFile, more);
  return {
    name: 'tospann',
    lab: pair.lab,
    watch: pair.watch,
    home: undefined,
    start: async (node, withMore = false) => {
      await pair.member(node).start(withMore ? otherFile : pair.configFile);
      await pause(readyMs);
    },
    stop: async (node) => void (await pair.member(node).stop()),
    agentPids: (node) => pair.member(node).childPids('vrrp'),
    [Symbol.asyncDispose]: async () => await pair[Symbol.asyncDispose](),
  };
}

/** Debian's keepalived and haproxy on both nodes; lb1 has the higher priority, and takes the address back. */
export async function keepalivedPair({ advertMs, missed = 3 }: PairTiming): Promise<System> {
  const lab = createLab(PAIR_TOPOLOGY);
  await Promise.all(['web1', 'web2'].map(async (name) => await startOrigin(lab.node(name))));
  const watch = await AddressWatch.start([lab.node('lb1'), lab.node('lb2')], VIP);
  const processes = new Map<NodeName, LabProcess>();
  const start = async (name: NodeName, more = false): Promise<void> => {
    await startHaproxy(lab, lab.node(name));
    const options = {
      priority: name === 'lb1' ? 150 : 100,
      advertInterval: String(advertMs / 1000),
      downTimerAdverts: missed,
      moreAddresses: more ? [anotherVip] : [],
    };
    processes.set(name, await startKeepalived(lab, name, options));
    await pause(readyMs);
  };
  return {
    name: 'keepalived',
    lab,
    watch,
    home: 'lb1',
    start,
    stop: async (name) => {
      lab.node(name).killGroup('SIGTERM');
      await until(`the end of ${name}`, () => lab.node(name).pids().length === 0, { timeoutMs: 10_000 });
    },
    agentPids: (name) => {
      const parent = processes.get(name)?.pid ?? 0;
      return lab
        .node(name)
        .pids()
        .filter((pid) => pid !== parent && parentOf(pid) === parent);
    },
    [Symbol.asyncDispose]: async () => {
      await watch[Symbol.asyncDispose]();
      lab.close();
    },
  };
}

function parentOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
