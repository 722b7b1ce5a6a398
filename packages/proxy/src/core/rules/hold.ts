// Two ways of being of no use to an attacker: tarpit, where the answer comes late while the connection costs a timer, and
// silent-drop, where nothing comes at all and the connection costs nothing. Both bounded. What a held client still sends
// is read and thrown away, since only who reads learns that the client has left.
import { sendAnswer } from '../answers.ts';
import { dropClient } from '../client.ts';
import { Wait, type Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { LINGER_BYTES, MAX_TARPITTED } from '../engine-options.ts';
import { setReceiving } from '../sending.ts';
import { pageFor } from './local-answer.ts';

/** `client.endCause` and `endPhase` of who leaves while held: HAProxy's CT. */
const LEFT = 67;
const TARPIT = 84;

/** Holds the request for a while, then answers it and closes; when too many are held already it is answered at once. */
export function holdForAnswer(
  engine: Engine,
  client: Client,
  { status, delayMs }: { readonly status: number; readonly delayMs: number },
): void {
  client.heldStatus = status;
  // Nobody wants the body, nor what comes behind it.
  client.requestDone = true;
  client.closeAsked = false;
  client.keepAlive = false;
  if (engine.tarpitted >= MAX_TARPITTED) {
    answerHeld(engine, client);
    return;
  }
  if (client.inputEnded) {
    leaveHeld(engine, client, false);
    return;
  }
  engine.tarpitted++;
  client.wait = Wait.TARPIT;
  client.wasted = 0;
  client.input.clear(engine.ranges, engine.buffers);
  setReceiving(engine, client, true);
  engine.wheel.set(client.handle, client.headMs + delayMs);
}

/** The time is over. */
export function answerHeld(engine: Engine, client: Client): void {
  leaveTarpit(engine, client);
  sendAnswer(engine, client, client.frontend.errorPages.get(client.heldStatus) ?? pageFor(client.heldStatus));
}

/** Bytes of a held client; the buffer's one use is the callee's. Who sends very much is not listened to any more. */
// oxlint-disable-next-line max-params -- long: a range object would be allocated
export function heldReceived(engine: Engine, client: Client, offset: number, length: number): void {
  engine.buffers.drop(offset);
  client.wasted += length;
  if (client.wasted > LINGER_BYTES) setReceiving(engine, client, false);
}

/** A held client has left, by FIN or by RST: its place is free. */
export function leaveHeld(engine: Engine, client: Client, reset: boolean): void {
  client.endCause = LEFT;
  client.endPhase = TARPIT;
  dropClient(engine, client, reset);
}

/** To be called whenever a connection ends: it may have been held. */
export function leaveTarpit(engine: Engine, client: Client): void {
  if (client.wait !== Wait.TARPIT) return;
  client.wait = Wait.NONE;
  engine.tarpitted--;
}

/** Ends the connection without a word to the client, as far as that is possible (see `Transport.silence`). */
export function closeSilently(engine: Engine, client: Client): void {
  engine.transport.silence(client.handle);
  dropClient(engine, client, true);
}
