// Names of labs, and the promise that none outlives its process: every open lab is closed on exit, SIGINT, SIGTERM
// and SIGHUP; what a SIGKILL left is found by the pid and start time in its name and removed by the next start.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { attempt, pidsInNamespace, signalAll, startTimeOf } from './system.ts';

const PREFIX = 'tospann';
const NAME = /^tospann-(\d+)-(\d+)-\d+/;
const closers = new Set<() => void>();
let opened = 0;
let handlersInstalled = false;

/** Returns a name that no other lab on this machine has: `tospann-PID-STARTTIME-N`. */
export function newLabName(): string {
  opened += 1;
  return `${PREFIX}-${process.pid}-${startTimeOf(process.pid)}-${opened}`;
}

/** Folder of a lab for sockets, logs and generated files; it is made, and goes with the lab. */
export function makeLabFolder(labName: string): string {
  const folder = join(tmpdir(), labName);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}

/** Registers a synchronous clean-up that runs in every way this process can end but SIGKILL. */
export function closeAtExit(close: () => void): void {
  closers.add(close);
  if (handlersInstalled) return;
  handlersInstalled = true;
  process.on('exit', closeAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      closeAll();
      process.kill(process.pid, signal);
    });
  }
}

/** Takes a clean-up off the list once it has run. */
export function forgetCloser(close: () => void): void {
  closers.delete(close);
}

function closeAll(): void {
  for (const close of closers) close();
  closers.clear();
}

/** Kills what runs in a lab's namespaces, then removes the namespaces and the lab's folder. */
export function removeLab(labName: string): void {
  const namespaces = namespacesOf(labName);
  for (let round = 0; round < 50; round++) {
    const pids = namespaces.flatMap((namespace) => pidsInNamespace(namespace));
    if (pids.length === 0) break;
    signalAll(pids, 'SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  for (const namespace of namespaces) attempt('ip', ['netns', 'del', namespace]);
  rmSync(join(tmpdir(), labName), { recursive: true, force: true });
}

/** Removes the labs of processes that have ended without cleaning up; returns their names. */
export function removeStaleLabs(): string[] {
  const names = new Set([...list('/run/netns'), ...list(tmpdir())].map((entry) => NAME.exec(entry)?.[0] ?? ''));
  const stale = [...names].filter((name) => {
    const parts = NAME.exec(name);
    return parts !== null && startTimeOf(Number(parts[1])) !== parts[2];
  });
  for (const name of stale) removeLab(name);
  return stale;
}

function namespacesOf(labName: string): string[] {
  return list('/run/netns').filter((entry) => entry === labName || entry.startsWith(`${labName}-`));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
