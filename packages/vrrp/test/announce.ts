// Lab helper: a host that announces an address which is not its own, by gratuitous ARP or a neighbour advertisement.
//   announce.ts ADDRESS
import { readFileSync } from 'node:fs';
import {
  AddressControl,
  encodeGratuitousArp,
  encodeNeighbourAdvertisement,
  encodePacketAddress,
  openPacketSender,
  sendPacket,
} from '@tospann/linux';

const address = process.argv[2] ?? '';
const index = Number(readFileSync('/sys/class/net/eth0/ifindex', 'utf8'));
const { mac } = new AddressControl().link('eth0');
const fd = openPacketSender();
if (address.includes(':')) {
  const frame = encodeNeighbourAdvertisement(mac, address, false);
  sendPacket(fd, frame, encodePacketAddress(index, frame.subarray(0, 6), 0x86dd));
} else sendPacket(fd, encodeGratuitousArp('reply', mac, address), encodePacketAddress(index));
process.stdout.write('announced\n');
