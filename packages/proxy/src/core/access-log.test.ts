import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessLog, LOGGED_LINE_BYTES, LogRecord } from './access-log.ts';
import { latin1 } from './bytes.ts';
import { LogRingReader, logRingBytes, LogRingWriter } from './log-ring.ts';

/** The one line that a format makes of a request with these bytes as its path. */
function lineOf(format: 'json' | 'haproxy' | 'combined', path: Uint8Array): string {
  const memory = new SharedArrayBuffer(logRingBytes(1 << 16));
  const record = new LogRecord();
  const line = new Uint8Array(4 + path.length);
  line.set(latin1('GET '));
  line.set(path, 4);
  record.line = line;
  record.lineLength = line.length;
  record.methodLength = 3;
  record.pathFrom = 4;
  record.pathLength = path.length;
  record.client = latin1('192.0.2.1');
  record.clientLength = 9;
  record.status = 200;
  new AccessLog(new LogRingWriter(memory), format).write(record);
  return String.fromCharCode(...new LogRingReader(memory).peek());
}

describe('AccessLog', () => {
  it('writes json that gives the path back, whatever bytes it has', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: LOGGED_LINE_BYTES - 4 }), (path) => {
        const line = lineOf('json', path);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        const parsed = JSON.parse(line) as { path: string; status: number };
        expect(latin1(parsed.path)).toEqual(path);
        expect(parsed.status).toBe(200);
      }),
      { numRuns: 200 },
    );
  });

  it.each(['haproxy', 'combined'] as const)('keeps %s to one line of printable ASCII with closed quotes', (format) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: LOGGED_LINE_BYTES - 4 }), (path) => {
        const line = lineOf(format, path);
        expect(line).toMatch(/^[\x20-\x7e]*\n$/);
        expect(line.split('"').length - 1).toBe(format === 'combined' ? 6 : 2);
      }),
      { numRuns: 100 },
    );
  });
});
