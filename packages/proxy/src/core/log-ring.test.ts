import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogRingReader, logRingBytes, LogRingWriter } from './log-ring.ts';

function write(ring: LogRingWriter, line: string): boolean {
  const at = ring.reserve(line.length);
  if (at < 0) return false;
  for (let i = 0; i < line.length; i++) ring.data[at + i] = line.charCodeAt(i);
  ring.commit(at + line.length);
  return true;
}

function read(ring: LogRingReader): string {
  const bytes = ring.peek();
  const text = String.fromCharCode(...bytes);
  ring.release(bytes.length);
  return text;
}

describe('log ring', () => {
  it('drops and counts lines while it is full, and goes on after reading', () => {
    const memory = new SharedArrayBuffer(logRingBytes(64));
    const writer = new LogRingWriter(memory);
    const reader = new LogRingReader(memory);
    let written = 0;
    while (write(writer, '0123456789\n')) written++;
    expect(reader.droppedTotal).toBe(1);
    expect(read(reader)).toBe('0123456789\n'.repeat(written));
    expect(read(reader)).toBe('');
    expect(write(writer, 'again\n')).toBe(true);
    expect(read(reader)).toBe('again\n');
  });

  it('gives back every line whole and in order for any lengths and any reading', () => {
    const op = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(0));
    fc.assert(
      fc.property(fc.array(op, { maxLength: 400 }), (ops) => {
        const memory = new SharedArrayBuffer(logRingBytes(128));
        const writer = new LogRingWriter(memory);
        const reader = new LogRingReader(memory);
        let expected = '';
        let got = '';
        ops.forEach((length, i) => {
          const line = `${String(i).repeat(length).slice(0, length)}\n`;
          if (length === 0) got += read(reader);
          else if (write(writer, line)) expected += line;
        });
        for (let i = 0; i < 3; i++) got += read(reader);
        expect(got).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });
});
