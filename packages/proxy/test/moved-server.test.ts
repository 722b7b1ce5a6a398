// A server named by DNS that moves while it answers: the connection on which it did so goes to the old address, and must
// not come back into the pool.
import { expect, it } from 'vitest';
import { writeAddress } from '../src/core/health/endpoint.ts';
import { serverWord } from '../src/core/shared.ts';
import { EngineBench, GET, OK } from './engine-bench.ts';

it('a connection to the address that a server has left serves its request and no other', () => {
  const bench = new EngineBench({
    flags: ['one-server'],
    configure: (config) => ({
      ...config,
      backends: config.backends.map((backend) =>
        backend.name === 'app' ? { ...backend, servers: [{ ...backend.servers[0]!, isName: true }] } : backend,
      ),
    }),
  });
  const move = (address: string): void => {
    bench.serve(address, { address, port: 80 });
    writeAddress(bench.words, serverWord(0), address);
    bench.setUsable(0, true); // a named server is down until it has an address
  };
  const client = bench.dial('192.0.2.1');
  const ask = (): void => {
    client.write(GET);
    bench.transport.settle();
  };
  const answer = (connection: number): void => {
    bench.connections[connection]!.peer.write(OK);
    bench.transport.settle();
    expect(client.take()).toContain('200 OK');
  };
  move('10.7.0.1');
  ask();
  move('10.7.0.2'); // the answer has not come yet
  answer(0);
  ask();
  expect(bench.connections.map(({ server }) => server)).toEqual(['10.7.0.1', '10.7.0.2']);
  answer(1);
  ask(); // now over the pooled one
  expect(bench.connections).toHaveLength(2);
  answer(1);
});
