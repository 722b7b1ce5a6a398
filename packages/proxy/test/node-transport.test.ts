// The node transport against the compliance suite.
import { readdirSync } from 'node:fs';
import { closeFd, localAddress, openListener } from '@tospann/linux';
import { describe } from 'vitest';
import { NodeTransport } from '../src/io/node-transport.ts';
import { transportCompliance, type ComplianceSizes, type TransportUnderTest } from './transport-compliance.ts';

const LIMIT_MS = 20_000;

describe('node transport', () => {
  transportCompliance(openNode);
});

function openNode(sizes: ComplianceSizes): TransportUnderTest {
  const transport = new NodeTransport({ ...sizes, tickMs: 20 });
  const fds: number[] = [];
  const listenAt = (): { fd: number; endpoint: { address: string; port: number } } => {
    const fd = openListener({ address: '127.0.0.1', port: 0 });
    const { address, port } = localAddress(fd);
    return { fd, endpoint: { address, port } };
  };
  let running = false;
  return {
    transport,
    openListener: (listener) => {
      const { fd, endpoint } = listenAt();
      fds.push(fd);
      transport.listen(fd, listener);
      return endpoint;
    },
    refusedEndpoint: () => {
      const { fd, endpoint } = listenAt();
      closeFd(fd);
      return endpoint;
    },
    silentEndpoint: () => {
      const fd = openListener({ address: '127.0.0.1', port: 0, backlog: 1 });
      fds.push(fd);
      return localAddress(fd);
    },
    descriptors: () => readdirSync('/proc/self/fd').length,
    run: async (done) => {
      if (!running) transport.run();
      running = true;
      const endMs = performance.now() + LIMIT_MS;
      while (!done()) {
        if (performance.now() > endMs) throw new Error('it did not happen within 20 s');
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    dispose: () => {
      transport.stop();
      for (const fd of fds) closeFd(fd);
    },
  };
}
