// The memory transport against the compliance suite: what tests of the engine stand on must itself be right.
import { describe } from 'vitest';
import { MemoryTransport } from '../src/core/memory-transport.ts';
import { transportCompliance, type ComplianceSizes, type TransportUnderTest } from './transport-compliance.ts';

describe('memory transport', () => {
  transportCompliance(openMemory);
});

function openMemory(sizes: ComplianceSizes): TransportUnderTest {
  const transport = new MemoryTransport({ ...sizes, tickMs: 5 });
  let nextFd = 100;
  return {
    transport,
    openListener: (listener) => {
      const fd = nextFd++;
      transport.listen(fd, listener);
      return { address: '127.0.0.1', port: fd };
    },
    refusedEndpoint: () => ({ address: '127.0.0.1', port: 1 }),
    silentEndpoint: () => {
      const endpoint = { address: '127.0.0.1', port: 2 };
      transport.fault(endpoint, 0);
      return endpoint;
    },
    descriptors: () => 0,
    run: async (done) => {
      for (let ms = 0; ms < 20_000; ms += transport.tickMs) {
        transport.settle();
        if (done()) return;
        transport.advance(transport.tickMs);
        if (done()) return;
      }
      await Promise.reject(new Error('it did not happen within 20 s of its own time'));
    },
    dispose: () => undefined,
  };
}
