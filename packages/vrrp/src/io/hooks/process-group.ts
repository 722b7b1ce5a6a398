// A program that runs beside the agent: no shell, a process group of its own that can be ended as a whole, and the end of
// what it prints. For hooks, movers and track scripts; what their ends mean is theirs. Side effects: one process.
import { spawn, type ChildProcess } from 'node:child_process';

/** The end of the output that an operator sees, characters. */
const outputLimit = 2048;

export interface GroupOptions {
  /** Program and arguments. */
  readonly run: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Given on standard input; absent: there is none. */
  readonly body?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** @returns The process, or why there is none; a program that cannot be executed may also be told by its `error` event. */
export function startGroup({ run, environment, body, user }: GroupOptions): ChildProcess | string {
  const [program = '', ...args] = run;
  try {
    const started = spawn(program, args, {
      // setsid: a group of its own.
      detached: true,
      stdio: [body === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: '/',
      env: { ...environment },
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
    // Who does not read its input loses nothing else.
    started.stdin?.on('error', () => undefined);
    started.stdin?.end(body);
    return started;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Signals the program and all that it has started. */
export function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group has ended.
  }
}

/** The last characters of what a process prints. */
export class OutputTail {
  readonly #process: ChildProcess;
  #text = '';

  constructor(process: ChildProcess) {
    this.#process = process;
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => this.#add(part));
      stream?.on('error', () => undefined);
    }
  }

  /** Takes what is there and closes the pipes: a grandchild that keeps them open is not waited for. */
  close(): string {
    const { stdin, stdout, stderr } = this.#process;
    for (const stream of [stdout, stderr]) {
      const rest: unknown = stream?.read();
      if (typeof rest === 'string') this.#add(rest);
    }
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
    return this.#text.trim();
  }

  #add(part: string): void {
    this.#text = (this.#text + part).slice(-outputLimit);
  }
}
