// Run by ring-transport.test.ts in a process of its own: a ring whose process has only ten descriptors left. Prints
// what happened as JSON.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { localAddress, openListener } from '@tospann/linux';
import { createRingTransport } from '../src/io/ring-transport.ts';

const EMFILE = 24;
const transport = createRingTransport({ receiveBuffers: 8, sendBuffers: 8, tickMs: 5 });
const fd = openListener({ address: '127.0.0.1', port: 0 });
const open: number[] = [];
let refused = 0;
let accepted = 0;
let ticks = 0;
transport.attach({
  accepted: () => accepted++,
  connected: (handle, errno) => {
    if (errno === 0) open.push(handle);
    else transport.close(handle, false);
    if (errno === EMFILE) refused++;
  },
  received: () => {},
  relayed: () => undefined,
  ended: () => {},
  failed: () => {},
  sent: () => {},
  closed: () => {},
  tick: () => {
    if (++ticks % 20 === 0) transport.stop();
  },
  again: () => {},
  woken: () => {},
});
const used = readdirSync('/proc/self/fd').length;
execFileSync('prlimit', [`--nofile=${used + 10}`, '--pid', String(process.pid)]);
// Filled to the last one by clients; none is left to accept them with.
for (let i = 0; i < 30; i++) transport.connect(localAddress(fd));
transport.listen(fd, 0);
transport.run();
const acceptedWhileFull = accepted;
const turnsBefore = transport.stats().turns;
transport.run();
const turnsWhileFull = transport.stats().turns - turnsBefore;
// Clients leave; their requests for a connection are still in the backlog.
const connected = open.length;
for (const handle of open) transport.close(handle, false);
transport.run();
process.stdout.write(
  JSON.stringify({
    refusedWithEmfile: refused,
    connected,
    acceptedWhileFull,
    turnsWhileFull,
    acceptedAtLast: accepted,
    acceptPauses: transport.stats().acceptPauses,
  }),
);
transport.dispose();
