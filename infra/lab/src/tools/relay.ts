// A door into the lab: gets a listening socket that was opened outside over its IPC channel, and connects inside the
// namespace in which it runs. So a browser on this machine reaches a console of the lab. node relay.ts --target HOST:PORT
import { connect, Server, type Socket } from 'node:net';

import { readArguments, targetOf } from './arguments.ts';

const target = targetOf(readArguments(process.argv.slice(2)));

function relay(outer: Socket): void {
  const inner = connect({ ...target, allowHalfOpen: true });
  const drop = (): void => {
    outer.destroy();
    inner.destroy();
  };
  outer.on('error', drop);
  inner.on('error', drop);
  outer.pipe(inner);
  inner.pipe(outer);
}

process.once('message', (_, handle) => {
  if (!(handle instanceof Server)) return;
  // A server that came over the channel has lost its options: a half-closed client must still get its answer.
  Object.assign(handle, { allowHalfOpen: true });
  handle.on('connection', relay);
});
process.on('disconnect', () => process.exit(0));
