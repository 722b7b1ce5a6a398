// Passing sockets to another process: here both ends are in one process, the kernel does not care.
import { describe, expect, it } from 'vitest';
import { closeFd, closeFdChannel, localAddress, openFdChannel, openListener, receiveFd, sendFd } from '../src/index.ts';

describe('the descriptor channel', () => {
  it('gives the other end the same open files, in the order in which they were sent', () => {
    const channel = openFdChannel();
    const sockets = [openListener({ address: '127.0.0.1', port: 0 }), openListener({ address: '::1', port: 0 })];
    for (const fd of sockets) sendFd(channel[0], fd);
    const received = sockets.map(() => receiveFd(channel[1]));
    expect(received.map(localAddress)).toEqual(sockets.map(localAddress));
    expect(new Set([...received, ...sockets]).size).toBe(4);
    for (const fd of [...received, ...sockets]) closeFd(fd);
    closeFdChannel(channel);
  });

  it('says so when nothing waits', () => {
    const channel = openFdChannel();
    expect(() => receiveFd(channel[1])).toThrow(expect.objectContaining({ code: 'LB_KERNEL_CALL' }));
    closeFdChannel(channel);
  });
});

describe('openListener() beside another one', () => {
  it('opens a wildcard address over one of its own, and refuses everybody else afterwards', () => {
    const first = openListener({ address: '127.0.0.1', port: 0 });
    const { port } = localAddress(first);
    const taken = expect.objectContaining({ code: 'LB_KERNEL_PORT_IN_USE' });
    expect(() => openListener({ address: '0.0.0.0', port })).toThrow(taken);
    const second = openListener({ address: '0.0.0.0', port, beside: [first] });
    expect(() => openListener({ address: '127.0.0.1', port })).toThrow(taken);
    expect(() => openListener({ address: '127.0.0.2', port })).toThrow(taken);
    closeFd(first);
    closeFd(second);
  });
});
