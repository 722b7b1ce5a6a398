// The connection tracking table of a namespace of the test's own, filled by datagrams from known addresses.
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sampleConntrack } from '../src/index.ts';
import { enterNamespace, run } from './namespace.ts';

let leave: () => void;

beforeAll(() => {
  leave = enterNamespace();
  // The kernel tracks as soon as a rule asks for it.
  execFileSync('nft', ['-f', '-'], {
    input: 'table inet t { chain c { type filter hook output priority 0; ct state invalid counter; }; }',
  });
});

afterAll(() => leave());

/** One datagram each from so many ports of an address; a process of its own, in this thread's namespace. */
function send(from: string, ports: number): void {
  const text = `const d=require('node:dgram');let n=${ports};for(let i=0;i<${ports};i++){const s=d.createSocket(${
    from.includes(':') ? "'udp6'" : "'udp4'"
  });s.bind(0,${JSON.stringify(from)},()=>s.send('x',9,${JSON.stringify(from.includes(':') ? '::1' : '127.0.0.1')},()=>{s.close();}));}`;
  execFileSync(process.execPath, ['-e', text]);
}

it('names source and destination of each entry, IPv4 and IPv6', () => {
  run('ip -6 addr add 2001:db8::5/128 dev lo nodad');
  send('127.0.0.5', 3);
  send('2001:db8::5', 2);
  const entries = sampleConntrack(1000);
  expect(entries.filter(({ source }) => source === '127.0.0.5')).toHaveLength(3);
  expect(entries.filter(({ source }) => source === '2001:db8::5')).toEqual([
    { source: '2001:db8::5', destination: '::1' },
    { source: '2001:db8::5', destination: '::1' },
  ]);
});

it('stops early in a large table', () => {
  send('127.0.0.6', 3000);
  expect(sampleConntrack(100_000).length).toBeGreaterThan(3000);
  const some = sampleConntrack(500).length;
  expect(some).toBeGreaterThanOrEqual(500);
  expect(some).toBeLessThan(2000);
});
