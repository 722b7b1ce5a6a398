// Sends garbage to the VRRP sockets of a node: random bytes, truncated and mutated adverts, wrong counts and checksums.
//   node vrrp-noise.ts --to 10.10.0.11 --count 2000 --router 51 --address 192.168.1.200
// Through a raw socket (IP protocol 112) by node:ffi, TTL 255 as the standard wants it. Needs CAP_NET_RAW.
import { dlopen } from 'node:ffi';

import { pause } from '../clock.ts';
import { numberOf, readArguments, say } from './arguments.ts';

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_VRRP = 112;
const IPPROTO_IP = 0;
const IP_TTL = 2;

const options = readArguments(process.argv.slice(2));
const to = (options.get('to') ?? '').split('.').map(Number);
const libc = dlopen(null, {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
}).functions;

/** struct sockaddr_in of the target. */
const target = Buffer.from([AF_INET, 0, 0, 0, ...to, 0, 0, 0, 0, 0, 0, 0, 0]);
const ttl = Buffer.alloc(4);
ttl.writeInt32LE(255);

/** A VRRPv3 advert that would be valid but for its checksum: priority 255, so that it would win if it were believed. */
function advert(): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt8(0x31, 0);
  bytes.writeUInt8(numberOf(options, 'router', 51), 1);
  bytes.writeUInt8(255, 2);
  bytes.writeUInt8(1, 3);
  bytes.writeUInt16BE(100, 4);
  bytes.writeUInt16BE(0xdead, 6);
  (options.get('address') ?? '').split('.').forEach((part, index) => bytes.writeUInt8(Number(part), 8 + index));
  return bytes;
}

function noise(index: number): Buffer {
  const bytes = advert();
  const at = Math.floor(Math.random() * bytes.length);
  switch (index % 6) {
    case 0:
      return Buffer.from(
        Array.from({ length: Math.floor(Math.random() * 64) + 1 }, () => Math.floor(Math.random() * 256)),
      );
    case 1:
      return bytes.subarray(0, at);
    case 2:
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(Math.random() * 8)), at);
      return bytes;
    case 3:
      bytes.writeUInt8(255, 3);
      return bytes;
    case 4:
      return Buffer.concat([bytes, Buffer.alloc(1200, 0xff)]);
    default:
      return bytes;
  }
}

const socket = libc.socket(AF_INET, SOCK_RAW, IPPROTO_VRRP);
if (socket < 0) throw new Error('Cannot open a raw socket: it needs CAP_NET_RAW');
libc.setsockopt(socket, IPPROTO_IP, IP_TTL, ttl, 4);
let sent = 0;
for (let index = 0; index < numberOf(options, 'count', 1000); index++) {
  const bytes = noise(index);
  if (libc.sendto(socket, bytes, BigInt(bytes.length), 0, target, target.length) >= 0n) sent += 1;
  // About a thousand a second, so that the receiver's queue is not the only thing under test.
  if (index % 10 === 9) await pause(8);
}
say({ event: 'noise-end', sent });
process.exit(0);
