// Two ways of being of no use to an attacker: tarpit, where the answer comes late while the connection costs a timer, and
// silent-drop, where nothing comes at all and the connection costs nothing. Both bounded.
import { sendAnswer } from '../answers.ts';
import { dropClient } from '../client.ts';
import { Wait, type Client } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { MAX_TARPITTED } from '../engine-options.ts';
import { setReceiving } from '../sending.ts';
import { pageFor } from './local-answer.ts';

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
  engine.tarpitted++;
  client.wait = Wait.TARPIT;
  setReceiving(engine, client, false);
  engine.wheel.set(client.handle, client.headMs + delayMs);
}

/** The time is over. */
export function answerHeld(engine: Engine, client: Client): void {
  leaveTarpit(engine, client);
  sendAnswer(engine, client, client.frontend.errorPages.get(client.heldStatus) ?? pageFor(client.heldStatus));
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
