// Exchanges with canaries over real sockets, on the ring and on the node transport; what a run is, is said in run.ts.
import { probeIoUring } from '@tospann/linux';
import { expect, it } from 'vitest';
import { playOnSockets } from './canary/on-sockets.ts';

const EXCHANGES = 1500;

for (const engine of ['ring', 'node'] as const) {
  it.skipIf(engine === 'ring' && !probeIoUring().usable)(
    `${engine}: nobody gets a byte of another exchange, and every descriptor and place comes back`,
    async () => {
      const { wrong, counts } = await playOnSockets(engine, EXCHANGES, 1);
      expect(wrong).toBe('');
      expect(counts.answers).toBeGreaterThan(EXCHANGES / 2);
      expect(counts.surplus).toBeGreaterThan(EXCHANGES / 20);
    },
  );
}
