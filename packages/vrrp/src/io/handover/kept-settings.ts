// What the settings of interfaces were before the drain raised them (drain.ts), kept in the state directory: an agent that
// starts after a crash, the supervisor at the end of the node, and the package that is removed put them back from it. A
// line each, so that a shell can read it: the machine's boot, the file below /proc/sys, what was there, what is ours.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PairConfig } from '@tospann/config';
import { AddressControl, replaceFile } from '@tospann/linux';
import { addressesOf, planAgent, type AgentPlan, type PlannedAddress } from '../../core/plan.ts';
import { readBootId } from '../boot-id.ts';

/** Settings of an interface with an IPv4 VIP, and what a drain makes of them. */
const raised = { arp_ignore: 1, arp_announce: 2 } as const;

/** In the state directory. */
const FILE_NAME = 'interface-settings';

interface Kept {
  readonly path: string;
  readonly before: string;
  readonly ours: string;
}

export function interfaceSettingPath(interfaceName: string, name: keyof typeof raised): string {
  return `/proc/sys/net/ipv4/conf/${interfaceName}/${name}`;
}

/**
 * Keeps what the settings are now, unless an earlier life of this boot has: then they may be raised already.
 *
 * @returns What each was before, by path. A disk that refuses leaves only this life to put them back.
 */
export function keepSettings(stateDir: string, plan: AgentPlan): ReadonlyMap<string, string> {
  const file = join(stateDir, FILE_NAME);
  const bootId = readBootId();
  const known = new Map(readKept(file, bootId).map((kept) => [kept.path, kept]));
  for (const name of new Set(ipv4Of(plan).map((vip) => vip.interface))) {
    for (const [setting, ours] of Object.entries(raised)) {
      const path = interfaceSettingPath(name, setting as keyof typeof raised); // the keys of `raised`
      const before = readText(path);
      if (before !== '' && !known.has(path)) known.set(path, { path, before, ours: String(ours) });
    }
  }
  const lines = [...known.values()].map(({ path, before, ours }) => `${bootId} ${path} ${before} ${ours}\n`);
  try {
    replaceFile(file, lines.join(''), { mode: 0o640, temporary: `${file}.${process.pid}.tmp` });
  } catch {
    // A state directory that cannot be written is told by the terms' file in it.
  }
  return new Map([...known.values()].map(({ path, before }) => [path, before]));
}

/**
 * Puts back what is still ours. For the end of the node, when no connection lives any more: what drains on `lo` goes
 * first, or this node would answer for the addresses of the other one.
 */
export function putBackSettings(stateDir: string, { config, node }: { config: PairConfig; node: string }): void {
  const file = join(stateDir, FILE_NAME);
  const kept = readKept(file, readBootId());
  if (kept.length === 0) return;
  endDrains(ipv4Of(planAgent(config, node)));
  for (const { path, before, ours } of kept) {
    if (readText(path) !== ours || before === ours) continue;
    try {
      writeFileSync(path, before);
    } catch {
      // Gone with its interface.
    }
  }
  rmSync(file, { force: true });
}

function ipv4Of(plan: AgentPlan): readonly PlannedAddress[] {
  return addressesOf(plan).filter(({ family }) => family === 4);
}

const loopbackIndex = 1;

/** Only addresses that have an end: those of a drain. */
function endDrains(vips: readonly PlannedAddress[]): void {
  const control = new AddressControl();
  try {
    const own = new Set(vips.map(({ address }) => address));
    for (const { address, prefixLength, validSeconds } of control.list(loopbackIndex)) {
      if (own.has(address) && validSeconds >= 0)
        control.delete({ interfaceIndex: loopbackIndex, address, prefixLength });
    }
  } finally {
    control.close();
  }
}

function readKept(file: string, bootId: string): readonly Kept[] {
  return readText(file)
    .split('\n')
    .flatMap((line) => {
      const [boot, path, before, ours] = line.split(' ');
      if (boot !== bootId || path === undefined || before === undefined || ours === undefined) return [];
      return /^\/proc\/sys\/net\/ipv4\/conf\/[^/]+\/arp_(?:ignore|announce)$/.test(path)
        ? [{ path, before, ours }]
        : [];
    });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
