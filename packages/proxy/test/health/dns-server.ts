// A resolver on loopback for tests (RFC 1035): answers A and AAAA questions from a table, or refuses, or is silent.
import dgram from 'node:dgram';

export interface Zone {
  addresses: readonly string[];
  ttlSeconds: number;
  /** DNS response code; 2 is SERVFAIL, 3 is NXDOMAIN. */
  code: number;
  silent: boolean;
}

/** Starts it; `questions` counts what it was asked. */
export async function startDns(): Promise<{ server: string; zone: Zone; questions: string[]; close: () => void }> {
  const socket = dgram.createSocket('udp4');
  const zone: Zone = { addresses: [], ttlSeconds: 1, code: 0, silent: false };
  const questions: string[] = [];
  socket.on('message', (query, from) => {
    let at = 12;
    const labels: string[] = [];
    while (query[at] !== 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
      at += 1 + query[at]!;
    }
    const type = query.readUInt16BE(at + 1);
    questions.push(`${labels.join('.')} ${type === 1 ? 'A' : 'AAAA'}`);
    if (zone.silent) return;
    const records = zone.addresses.filter((address) => type === (address.includes(':') ? 28 : 1)).map(recordOf(zone));
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180 | zone.code, 2);
    head.writeUInt16BE(zone.code === 0 ? records.length : 0, 6);
    head.writeUInt32BE(0, 8);
    const answer = Buffer.concat([head, query.subarray(12, at + 5), ...(zone.code === 0 ? records : [])]);
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  return { server: `127.0.0.1:${port}`, zone, questions, close: () => socket.close() };
}

function recordOf(zone: Zone): (address: string) => Buffer {
  return (address) => {
    const data = address.includes(':')
      ? Buffer.from(
          address.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
        )
      : Buffer.from(address.split('.').map(Number));
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(address.includes(':') ? 28 : 1, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(zone.ttlSeconds, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  };
}
