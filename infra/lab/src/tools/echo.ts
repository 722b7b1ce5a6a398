// UDP echo for the prober: answers each datagram with the same text and this node's name. node echo.ts --name lb1 --port 7007
import { createSocket } from 'node:dgram';

import { numberOf, readArguments, say } from './arguments.ts';

const options = readArguments(process.argv.slice(2));
const name = options.get('name') ?? 'node';
const socket = createSocket('udp4');
socket.on('error', () => undefined);
socket.on('message', (message, from) => socket.send(`${message.toString('latin1')} ${name}`, from.port, from.address));
socket.bind(numberOf(options, 'port', 7007), '0.0.0.0', () => say({ event: 'ready', name }));
