// Lab helper: sends garbage and wrong adverts of IP protocol 112 to an address, a given number a second, for a time.
// Arguments: own address, target, packets a second, seconds, and `stranger` for good adverts from no peer. Uses a seeded generator, so a flood repeats.
import { encodeDestination, openRawSender, parseIp, sendPacket } from '@tospann/linux';
import { encodeAdvert } from '../src/core/advert/advert.ts';
import { seededRandom } from './simulation.ts';

const [own = '', target = '', rate = '1000', seconds = '1', kind = ''] = process.argv.slice(2);
const random = seededRandom(7);
const group = target.startsWith('224.') ? { multicastGroup: target } : {};
const fd = openRawSender({ protocol: 112, interface: 'eth0', interfaceIndex: 0, localAddress: own, ...group });
const destination = encodeDestination(target);
const route = { source: parseIp(own), destination: parseIp(target), dialect: 'pseudo-header' } as const;
const advert = encodeAdvert(
  { version: 3, routerId: 51, priority: 255, intervalMs: 100, addresses: [parseIp('10.99.0.100')] },
  route,
);

let sent = 0;
const start = performance.now();
const timer = setInterval(() => {
  const due = ((performance.now() - start) / 1000) * Number(rate);
  for (; sent < due; sent++) sendPacket(fd, nextPacket(sent), destination);
  if (performance.now() - start < Number(seconds) * 1000) return;
  clearInterval(timer);
  process.stdout.write(`sent ${sent}\n`);
}, 5);

/** In turn: random bytes (a stranger: a good advert of rank 255), a good advert with one wrong bit, a good one cut short, another router id. */
function nextPacket(index: number): Uint8Array {
  if (index % 4 === 0 && kind === 'stranger') return advert;
  if (index % 4 === 0) return new Uint8Array(1 + Math.floor(random() * 60)).map(() => Math.floor(random() * 256));
  const packet = advert.slice();
  const at = 2 + Math.floor(random() * (packet.length - 2));
  if (index % 4 === 1) packet[at] = (packet[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  if (index % 4 === 2) return packet.slice(0, 9);
  if (index % 4 === 3) packet[1] = 99;
  return packet;
}
