// Small synchronous helpers around the system's own tools (ip, nft) and /proc. Nothing here keeps state; everything
// here needs root. Namespaces are found by inode, so only processes inside a namespace of the lab are ever signalled.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/**
 * Runs a command to its end and returns its standard output.
 *
 * @throws {Error} With the command line and its standard error when it exits with anything but 0.
 */
export function run(command: string, args: readonly string[], input?: string): string {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  });
  if (result.error !== undefined)
    throw new Error(`Cannot run ${command}: ${result.error.message}`, { cause: result.error });
  if (result.status !== 0) {
    throw new Error(
      `Cannot run "${command} ${args.join(' ')}": exit ${String(result.status)}: ${result.stderr.trim()}`,
    );
  }
  return result.stdout;
}

/** Runs a command and tells whether it exited with 0; for clean-up, where a failure changes nothing. */
export function attempt(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Runs `ip` commands, one a line, inside a network namespace, in one process. */
export function ipBatch(namespace: string, lines: readonly string[]): void {
  run('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`);
}

/** Start time of a process in clock ticks since boot, or an empty string when there is no such process. */
export function startTimeOf(pid: number): string {
  return statFields(pid)[19] ?? '';
}

/** Fields of /proc/PID/stat after the command name: index 0 is the state, 1 the parent, 19 the start time. */
function statFields(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Pids of the processes inside a named network namespace; zombies are left out. */
export function pidsInNamespace(namespace: string): number[] {
  let inode: number;
  try {
    inode = statSync(`/run/netns/${namespace}`).ino;
  } catch {
    return [];
  }
  return allPids().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]` && statFields(pid)[0] !== 'Z';
    } catch {
      return false;
    }
  });
}

/** The direct children of a process. */
export function childrenOf(parent: number): number[] {
  return allPids().filter((pid) => Number(statFields(pid)[1]) === parent);
}

/** A process and all that descend from it, parents first. */
export function descendantsOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = Number(statFields(pid)[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (let index = 0; index < found.length; index++) found.push(...(children.get(found[index] ?? 0) ?? []));
  return found;
}

/** Value of a variable in a process's environment at its start; undefined when absent or the process is gone. */
export function environmentOf(pid: number, name: string): string | undefined {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

/** CPU time in nanoseconds that all threads of these processes have used; threads that have ended do not count. */
export function cpuNanoseconds(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
      }
    } catch {
      // The process or a thread of it has ended meanwhile: its time is not ours to count.
    }
  }
  return total;
}

/** Sends a signal to each pid; those that have ended already are passed over. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // ESRCH: it has ended by itself.
    }
  }
}
