// Max-Forwards (RFC 9110 section 7.6.2): who asks with OPTIONS or TRACE may say how far the question goes. At 0 the proxy
// answers itself; a greater number goes on diminished. Other methods do not have it.
import { fieldName, Method } from '@tospann/http';
import { sendAnswer } from './answers.ts';
import { latin1, putNumber } from './bytes.ts';
import type { Client } from './connection.ts';
import { requestEdits } from './edits.ts';
import type { Engine } from './engine.ts';
import type { LocalAnswer } from './rules/local-answer.ts';
import { FieldValues } from './rules/values.ts';

const NAME = fieldName('Max-Forwards');
const values = new FieldValues(NAME);
/** A greater number goes on as this: nobody has so many proxies. */
const MOST = 999_999_999;
const digits = new Uint8Array(16);
const NONE = new Uint8Array(0);
/** HAProxy's LR: an answer of the proxy that refuses nothing. */
const LOCAL = 76;
const IN_REQUEST = 82;

const OPTIONS: LocalAnswer = { status: 200, head: latin1('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n'), body: NONE };
/** TRACE would show the client's credentials to whoever can make a browser ask. */
const TRACE: LocalAnswer = {
  status: 405,
  head: latin1(
    'HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n',
  ),
  body: NONE,
};

/** Whether Max-Forwards counts in a request of this method. */
export function isTraced(method: number): boolean {
  return method === Method.OPTIONS || method === Method.TRACE;
}

/** Whether the request may go on, with a smaller number; false: it has been answered. What is no number is passed on. */
export function mayForward(engine: Engine, client: Client): boolean {
  let least = Infinity;
  values.begin(engine);
  while (values.next()) least = Math.min(least, numberOf(values));
  if (least === Infinity) return true;
  if (least > 0) {
    const length = putNumber(digits, 0, least - 1);
    const edits = requestEdits(engine);
    if (!edits.beginSet(NAME)) return true;
    edits.put(digits, 0, length);
    edits.end();
    return true;
  }
  client.endCause = LOCAL;
  client.endPhase = IN_REQUEST;
  sendAnswer(engine, client, client.method === Method.OPTIONS ? OPTIONS : TRACE);
  return false;
}

/** Infinity for what is no number. */
function numberOf({ bytes, from, to }: FieldValues): number {
  let number = 0;
  for (let p = from; p < to; p++) {
    const digit = bytes[p]! - 48;
    if (digit < 0 || digit > 9) return Infinity;
    number = Math.min(number * 10 + digit, MOST);
  }
  return to > from ? number : Infinity;
}
