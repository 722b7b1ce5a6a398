// A door into the lab: accepts on descriptor 3, a listening socket that was opened outside, and connects inside the
// namespace in which this runs. So a browser on this machine reaches a console of the lab. node relay.ts --target HOST:PORT
import { connect, createServer } from 'node:net';

import { readArguments, say, targetOf } from './arguments.ts';

const target = targetOf(readArguments(process.argv.slice(2)));
const server = createServer({ allowHalfOpen: true }, (outer) => {
  const inner = connect({ ...target, allowHalfOpen: true });
  const drop = (): void => {
    outer.destroy();
    inner.destroy();
  };
  outer.on('error', drop);
  inner.on('error', drop);
  outer.pipe(inner);
  inner.pipe(outer);
});
server.listen({ fd: 3 }, () => say({ event: 'ready' }));
