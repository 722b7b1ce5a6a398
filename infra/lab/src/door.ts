// Doors from this machine into a lab: a port on 127.0.0.1 that leads to an address inside a node's network. The
// listening socket is of this machine, the process that accepts from it lives in the namespace.
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';

import { tool } from './instruments.ts';
import type { LabNode } from './lab.ts';

export interface Door extends Disposable {
  /** Port on 127.0.0.1 of this machine. */
  readonly port: number;
}

/** Opens a door through `node` to `target` (`host:port`); a preferred port that is taken is replaced by a free one. */
export async function openDoor(node: LabNode, target: string, preferredPort = 0): Promise<Door> {
  const server = createServer({ allowHalfOpen: true });
  const listen = async (port: number): Promise<void> =>
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve());
    });
  await listen(preferredPort).catch(async () => await listen(0));
  const { port } = server.address() as AddressInfo;
  const [file = '', ...args] = node.command(tool('relay', { target }));
  const relay: ChildProcess = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await new Promise<void>((resolve, reject) => {
    relay.once('error', reject);
    relay.send('listen', server, (error) => (error === null ? resolve() : reject(error)));
  });
  server.close();
  return { port, [Symbol.dispose]: () => void relay.kill('SIGKILL') };
}
