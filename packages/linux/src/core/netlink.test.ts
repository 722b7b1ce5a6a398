import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAck,
  decodeAttributes,
  decodeMessages,
  decodeString,
  encodeAttribute,
  encodeMessage,
  encodeString,
  Netlink,
} from './netlink.ts';
import {
  AddressFlag,
  decodeAddress,
  decodeLink,
  encodeAddressAdd,
  encodeAddressDelete,
  type AddressRequest,
} from './netlink-address.ts';

const VIP: AddressRequest = {
  interfaceIndex: 7,
  address: '192.168.1.200',
  prefixLength: 32,
  validSeconds: 4,
  preferredSeconds: 3,
  flags: AddressFlag.NOPREFIXROUTE,
  protocol: 112,
  label: 'eth0:tsp',
};

describe('netlink framing', () => {
  it('round-trips messages and attributes of any length', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), bytes), { maxLength: 5 }), (attributes) => {
        const parts = attributes.map(([type, value]) => encodeAttribute(type, value));
        const [message] = decodeMessages(encodeMessage({ type: 20, flags: 5, sequence: 9 }, parts));
        expect(message).toMatchObject({ type: 20, flags: 5, sequence: 9 });
        const decoded = decodeAttributes(message?.body ?? new Uint8Array(0));
        expect(decoded.map(({ type, value }) => [type, [...value]])).toEqual(
          attributes.map(([type, value]) => [type, [...value]]),
        );
      }),
    );
  });

  it('throws LB_KERNEL_BAD_MESSAGE for every truncation', () => {
    const message = encodeAddressAdd(VIP, 1);
    const refused = expect.objectContaining({ code: 'LB_KERNEL_BAD_MESSAGE' });
    for (let length = 1; length < message.length; length++) {
      expect(() => decodeMessages(message.subarray(0, length))).toThrow(refused);
    }
    const attribute = encodeAttribute(1, Uint8Array.of(1, 2, 3, 4));
    for (let length = 1; length < attribute.length; length++) {
      expect(() => decodeAttributes(attribute.subarray(0, length))).toThrow(refused);
    }
    expect(() => decodeAck(new Uint8Array(3))).toThrow(refused);
  });

  it('never loops or throws anything else on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          for (const message of decodeMessages(bytes)) decodeAddress(message);
        } catch (error) {
          expect(error).toMatchObject({ code: 'LB_KERNEL_BAD_MESSAGE' });
        }
      }),
    );
  });

  it('splits a datagram of several messages', () => {
    const one = encodeMessage({ type: Netlink.NEWADDR, flags: 2, sequence: 1 }, [Uint8Array.of(1, 2, 3)]);
    const two = encodeMessage({ type: Netlink.DONE, flags: 2, sequence: 1 }, []);
    const both = new Uint8Array([...one, ...two]);
    expect(decodeMessages(both).map(({ type }) => type)).toEqual([Netlink.NEWADDR, Netlink.DONE]);
  });

  it('reads the errno of an acknowledgement as a positive number', () => {
    expect(decodeAck(Uint8Array.of(0x9d, 0xff, 0xff, 0xff))).toBe(99);
    expect(decodeAck(Uint8Array.of(0, 0, 0, 0))).toBe(0);
  });

  it('reads strings up to their NUL', () => {
    expect(decodeString(encodeString('eth0'))).toBe('eth0');
    expect(decodeString(Uint8Array.of(101, 116, 104))).toBe('eth');
  });
});

describe('rtnetlink addresses', () => {
  it('round-trips an address request through the record of the kernel', () => {
    const [message] = decodeMessages(encodeAddressAdd(VIP, 42));
    expect(message?.flags).toBe(Netlink.REQUEST | Netlink.ACK | Netlink.CREATE | Netlink.REPLACE);
    expect(message === undefined ? null : decodeAddress(message)).toEqual({ ...VIP, updatedAtMs: 0, scope: 0 });
  });

  it('round-trips IPv6 without a lease', () => {
    const request = { interfaceIndex: 1, address: 'fd00::200', prefixLength: 128, scope: 253 };
    const [message] = decodeMessages(encodeAddressAdd(request, 1));
    expect(message === undefined ? null : decodeAddress(message)).toEqual({
      ...request,
      flags: 0,
      protocol: 0,
      label: '',
      validSeconds: -1,
      preferredSeconds: -1,
      updatedAtMs: 0,
    });
  });

  it('always names the address when it deletes one', () => {
    const [message] = decodeMessages(encodeAddressDelete(VIP, 1));
    expect(message?.type).toBe(Netlink.DELADDR);
    const attributes = decodeAttributes(message?.body.subarray(8) ?? new Uint8Array(0));
    expect(attributes.map(({ type, value }) => [type, ...value])).toEqual([
      [2, 192, 168, 1, 200],
      [1, 192, 168, 1, 200],
    ]);
  });

  it('skips families that are not IP and refuses an address of the wrong length', () => {
    expect(decodeAddress({ type: 20, flags: 0, sequence: 0, body: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0) })).toBeNull();
    const body = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, ...encodeAttribute(1, new Uint8Array(16)));
    expect(() => decodeAddress({ type: 20, flags: 0, sequence: 0, body })).toThrow(
      expect.objectContaining({ code: 'LB_KERNEL_BAD_MESSAGE' }),
    );
  });

  it('decodes a link with its flags', () => {
    const header = Uint8Array.of(0, 0, 1, 0, 4, 0, 0, 0, 0x43, 0x10, 0, 0, 0, 0, 0, 0);
    const attributes = [
      encodeAttribute(3, encodeString('eth0')),
      encodeAttribute(1, Uint8Array.of(2, 0, 0, 0, 0, 1)),
      encodeAttribute(16, Uint8Array.of(6)),
      encodeAttribute(33, Uint8Array.of(1)),
    ];
    const message = decodeMessages(encodeMessage({ type: 16, flags: 0, sequence: 0 }, [header, ...attributes]))[0];
    expect(message === undefined ? null : decodeLink(message)).toEqual({
      index: 4,
      name: 'eth0',
      mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
      mtu: 0,
      flags: 0x1043,
      up: true,
      running: true,
      operationalState: 6,
      carrier: true,
    });
  });
});
