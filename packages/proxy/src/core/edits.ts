// Edits to the heads on their way, for every feature that wants some (rules, compression, cookies): one list for the
// request that is being started, and one for each request whose answer is to be changed, from a free list.
import { HeadEdits } from '@tospann/http';
import type { Client } from './connection.ts';
import type { Engine } from './engine.ts';

/** The lists of one engine. */
export class EditLists {
  /** For the head that goes to the server; whoever needs it asks `requestEdits`. */
  readonly request = new HeadEdits();
  /** Free ones, for answers; as many are made as requests with edits are under way at once. */
  readonly free: HeadEdits[] = [];
}

/**
 * The edits of the request head that is being started; to be called before its head is written, in any order with
 * other features.
 */
export function requestEdits(engine: Engine): HeadEdits {
  const list = engine.edits.request;
  if (engine.requestWriter.edits === null) {
    list.reset();
    engine.requestWriter.edits = list;
  }
  return list;
}

/**
 * The edits of the answer to the client's request: of the server's final answer, and of that to an upgrade. May be
 * called as soon as the request has begun and until the answer's head is written.
 */
export function answerEdits(engine: Engine, client: Client): HeadEdits {
  if (client.answerEdits === null) {
    const list = engine.edits.free.pop() ?? new HeadEdits();
    list.reset();
    client.answerEdits = list;
  }
  return client.answerEdits;
}

/** Gives the list back when the request has ended. */
export function dropAnswerEdits(engine: Engine, client: Client): void {
  if (client.answerEdits === null) return;
  engine.edits.free.push(client.answerEdits);
  client.answerEdits = null;
}
