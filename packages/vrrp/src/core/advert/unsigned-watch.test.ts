// One start and one end for a node that does not sign, however many adverts it sends.
import { expect, test } from 'vitest';
import { UnsignedWatch } from './unsigned-watch.ts';

test('unsigned adverts are told once with the node, and once when they have ended', () => {
  const watch = new UnsignedWatch();
  const at = (seconds: number, unsigned: boolean): string | undefined => {
    const notice = watch.note({ election: 'public', sender: 'lb2', unsigned, nowUs: seconds * 1_000_000 });
    return notice === undefined ? undefined : `${notice.what}: ${notice.detail}`;
  };
  expect(at(1, false)).toBeUndefined();
  expect(at(2, true)).toBe(
    'unsigned: lb2 does not sign its adverts for public yet; they count (auth mode permissive): give it the keys of this node, then set mode enforce on both',
  );
  expect(at(3, true)).toBeUndefined();
  expect(at(4, false)).toBeUndefined();
  expect(at(5, true)).toBeUndefined();
  expect(at(14, false)).toBeUndefined();
  expect(at(15, false)).toBe(
    'unsigned-ended: lb2 signs its adverts for public now, after 3.0 s: set auth mode enforce on both nodes',
  );
  expect(at(16, false)).toBeUndefined();
  expect(at(17, true)).toContain('unsigned: lb2');
});
