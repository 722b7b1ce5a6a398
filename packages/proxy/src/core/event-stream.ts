// Server-sent events (WHATWG HTML section 9.2): answers that never end of themselves. A client that sends FIN while it
// gets one has left; without this the server would hear of it with the event after the next one only.
import { FIELD_STRIDE, NAME_END, NAME_START, VALUE_END, VALUE_START, type ResponseHeadParser } from '@tospann/http';
import { latin1 } from './bytes.ts';

const CONTENT_TYPE = latin1('content-type');
const EVENT_STREAM = latin1('text/event-stream');

/** Whether the answer that the parser holds is a stream of events. Asked for answers without a known length only. */
export function isEventStream({ fields, memory }: ResponseHeadParser): boolean {
  const { entries } = fields;
  for (let entry = 0; entry < fields.count * FIELD_STRIDE; entry += FIELD_STRIDE) {
    if (!begins(memory, entries[entry + NAME_START]!, entries[entry + NAME_END]!, CONTENT_TYPE)) continue;
    return begins(memory, entries[entry + VALUE_START]!, entries[entry + VALUE_END]!, EVENT_STREAM);
  }
  return false;
}

/** Compares without regard to case; both texts are letters, `-` and `/`. */
// oxlint-disable-next-line max-params -- long: hot path, a range object would be allocated
function begins(memory: Uint8Array, from: number, to: number, lower: Uint8Array): boolean {
  if (to - from < lower.length) return false;
  for (let i = 0; i < lower.length; i++) if ((memory[from + i]! | 32) !== lower[i]) return false;
  return true;
}
