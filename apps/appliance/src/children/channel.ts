// A child's end of the IPC channel to the supervisor, and the manners of a child: it ignores the signals that a
// terminal or systemd sends to the whole group (the supervisor decides the order of the end), and it ends when
// the supervisor is gone.
import { constants } from 'node:os';
import { isTospannError } from '@tospann/errors';
import { confineProcess, unblockSignal } from '@tospann/linux';
import type { FromChild, ToChild } from '../ipc.ts';
import type { Logger } from '../log.ts';

/** Sends to the supervisor; a closed channel means that the end has begun already. */
export function tell(message: FromChild): void {
  if (process.connected) process.send?.(message, () => undefined);
}

/** Tells the supervisor why this child cannot do its work, then ends the process with exit code 1. */
export function fail(error: unknown): void {
  const known = isTospannError(error);
  const message = error instanceof Error ? error.message : String(error);
  const code = known ? error.code : 'LB_INTERNAL';
  const hint = known ? error.hint : `Report this: ${error instanceof Error ? (error.stack ?? '') : ''}`;
  process.send?.({ type: 'fatal', code, message, hint } satisfies FromChild, () => process.exit(1));
  setTimeout(() => process.exit(1), 500).unref();
}

export interface ChannelHandlers {
  message(message: ToChild): void;
  /** The supervisor is gone: give up what is held, then call process.exit. */
  orphaned(): void;
  /** The successor of a supervisor that has replaced its program wants this child to end in good order. */
  retire?(): void;
}

/** How often the supervisor hears that this loop turns, ms. */
const ALIVE_MS = 1000;
/** How often a child that goes on alone looks whether the process lives that is to have another program, ms. */
const ALONE_LOOK_MS = 500;

/** Begins to listen. A throw in a handler ends the child: the supervisor starts a fresh one. */
export function openChannel(handlers: ChannelHandlers): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined);
  unblockSignal(constants.signals.SIGUSR1);
  let outlives = false;
  let alone: NodeJS.Timeout | undefined;
  const supervisor = process.ppid;
  const retire = (): void => {
    clearInterval(alone);
    if (handlers.retire === undefined) handlers.orphaned();
    else handlers.retire();
  };
  process.on('SIGUSR2', () => outlives && !process.connected && retire());
  process.on('message', (received) => {
    const message = received as ToChild; // only the supervisor has the other end
    // A program from before does not say "on".
    if (message.type === 'outlive') outlives = message.on ?? true;
    else handlers.message(message);
  });
  process.on('disconnect', () => {
    if (!outlives) return handlers.orphaned();
    // As long as the process is there, its next program comes up, and says when this child is not needed any more.
    alone = setInterval(() => process.ppid !== supervisor && retire(), ALONE_LOOK_MS);
  });
  setInterval(() => tell({ type: 'alive' }), ALIVE_MS).unref();
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}

/** For a child that starts nothing and has opened what it needs: it can do no more than that from now on. */
export function confine(log: Logger): void {
  const problem = confineProcess();
  if (problem !== '')
    log.warn({ event: 'unconfined', problem }, 'This process keeps system calls that it does not need');
}
