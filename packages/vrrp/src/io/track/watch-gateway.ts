// Asks the gateway again and again, by ARP or neighbour discovery and by ICMP echo; any answer counts. One question at a
// time. Side effects: a timer, and sockets while a question is open.
import type { FailoverConfig } from '@tospann/config';
import { AddressControl, defaultRoute, NeighbourQuestion, parseIp, type OnLink } from '@tospann/linux';
import type { Finding } from '../../core/track/condition.ts';
import { gatewayFinding, judgeGateway, newGateway, type GatewayResult } from '../../core/track/gateway-verdict.ts';
import type { Watch } from './watch.ts';

type GatewayConfig = NonNullable<FailoverConfig['gateway']>;

export interface WatchGatewayOptions {
  readonly gateway: GatewayConfig;
  /** The node's own interface: where a link-local gateway is. */
  readonly interface: string;
  readonly nowMs: () => number;
  readonly tell: (finding: Finding) => void;
}

/** Looks for an answer: often at first, since a neighbour answers within a millisecond. */
const lookAfterMs = [1, 2, 5, 10, 20] as const;
const lookEveryMs = 40;

export function watchGateway({ gateway, interface: device, nowMs, tell }: WatchGatewayOptions): Watch {
  let state = newGateway;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const round = async (id: number): Promise<void> => {
    const startMs = nowMs();
    const result = await ask({ gateway, device, id, nowMs }).catch((error: unknown): GatewayResult => {
      return { type: 'not-asked', why: error instanceof Error ? error.message : String(error) };
    });
    if (closed) return;
    state = judgeGateway(state, result, gateway);
    tell(gatewayFinding(state));
    timer = setTimeout(() => void round((id + 1) & 0xffff), Math.max(0, startMs + gateway.intervalMs - nowMs()));
  };
  tell(gatewayFinding(state));
  void round(process.pid & 0xffff);
  return {
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}

interface Question {
  readonly gateway: GatewayConfig;
  readonly device: string;
  readonly id: number;
  readonly nowMs: () => number;
}

async function ask({ gateway, device, id, nowMs }: Question): Promise<GatewayResult> {
  const address = gateway.address === 'auto' ? (defaultRoute(4) ?? defaultRoute(6))?.gateway : gateway.address;
  if (address === undefined) return { type: 'no-route' };
  const question = new NeighbourQuestion(address, id, onLink(address, device));
  const endMs = nowMs() + gateway.timeoutMs;
  try {
    for (let look = 0; nowMs() < endMs; look++) {
      await pause(Math.min(lookAfterMs[look] ?? lookEveryMs, Math.max(1, endMs - nowMs())));
      const by = question.answer();
      if (by !== undefined) return { type: 'answered', address, by };
    }
    return { type: 'silent', address };
  } finally {
    question.close();
  }
}

/** The interface that has the address in one of its networks; a link-local one is on the node's own. */
function onLink(address: string, device: string): OnLink | undefined {
  const control = new AddressControl();
  try {
    const target = parseIp(address);
    const linkLocal = target.length === 16 && target[0] === 0xfe && ((target[1] ?? 0) & 0xc0) === 0x80;
    const links = control.links();
    const covering = control.list().find((record) => covers(record, target));
    const link = linkLocal
      ? links.find(({ name }) => name === device)
      : links.find(({ index }) => index === covering?.interfaceIndex);
    if (link === undefined || link.mac.length !== 6) return undefined;
    return { name: link.name, index: link.index, mac: link.mac, own: covering?.address ?? '' };
  } finally {
    control.close();
  }
}

/** A VIP is a single address (/32, /128) and covers nothing else. */
function covers(record: { readonly address: string; readonly prefixLength: number }, target: Uint8Array): boolean {
  const own = parseIp(record.address);
  if (own.length !== target.length || record.prefixLength === 0) return false;
  for (let bit = 0; bit < record.prefixLength; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((own[bit >> 3] ?? 0) & mask) !== ((target[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
