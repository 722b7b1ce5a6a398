// What the main thread keeps of a configuration while it serves, and what becomes of it when another one takes its
// place: its listeners, its log, and slots that nobody refers to any more.
import type { BindConfig, PairConfig } from '@tospann/config';
import { formatIp, localAddress, parseIp } from '@tospann/linux';
import type { EngineListener } from '../core/listeners.ts';
import {
  BACKEND_WORDS,
  backendWord,
  FRONTEND_COUNTERS,
  FRONTEND_WORDS,
  frontendCounter,
  frontendWord,
  REFUSAL_SLOTS,
  SERVER_COUNTERS,
  SERVER_WORDS,
  serverCounter,
  serverWord,
  type SharedLayout,
} from '../core/shared.ts';
import type { SlotMap, SlotTable } from '../core/slots.ts';

/** A configuration and its slots. */
export interface Running {
  readonly config: PairConfig;
  readonly slots: SlotMap;
}

/** Whether both configurations write the access log to the same place. */
export function isSameSink(before: PairConfig, after: PairConfig): boolean {
  const of = ({ log }: PairConfig): string =>
    JSON.stringify([log.access.enabled, log.access.file, log.privacy.retentionDays]);
  return of(before) === of(after);
}

/** The sockets with the slots of their frontends, and who speaks the PROXY protocol on them, by their local address. */
export function engineListeners(
  { config, slots }: Running,
  listeners: readonly { readonly fd: number; readonly frontend: string }[],
): EngineListener[] {
  return listeners.map(({ fd, frontend: name }) => {
    const place = config.frontends.findIndex((candidate) => candidate.name === name);
    const binds = config.frontends[place]!.binds.filter(({ acceptProxyFrom }) => acceptProxyFrom !== undefined);
    const frontend = slots.frontends[place]!;
    const { address, port } = localAddress(fd);
    if (binds.length === 0) return { fd, frontend, port };
    const of = (wanted: string): BindConfig | undefined =>
      binds.find((candidate) => candidate.port === port && formatIp(parseIp(candidate.address)) === wanted);
    // A socket of a former bind that a wildcard one covers now.
    const bind = of(address) ?? of(address.includes(':') ? '::' : '0.0.0.0');
    return { fd, frontend, port, proxies: bind?.acceptProxyFrom };
  });
}

/** The shared memory of all workers. */
export interface SharedState {
  readonly layout: SharedLayout;
  readonly words: Int32Array;
  readonly counters: readonly Float64Array[];
}

/** Sets everything of freed slots to zero for those who get them next. */
export function clearSlots({ layout, words, counters }: SharedState, freed: ReturnType<SlotTable['free']>): void {
  const clear = (memory: { fill(value: number, from: number, to: number): unknown }, at: number, count: number): void =>
    void memory.fill(0, at, at + count);
  for (const slot of freed.servers) {
    clear(words, serverWord(slot), SERVER_WORDS);
    for (const of of counters) clear(of, serverCounter(layout, slot), SERVER_COUNTERS);
  }
  for (const slot of freed.backends) clear(words, backendWord(layout, slot), BACKEND_WORDS);
  for (const slot of freed.frontends) {
    clear(words, frontendWord(layout, slot), FRONTEND_WORDS);
    for (const of of counters) {
      clear(of, frontendCounter(slot), FRONTEND_COUNTERS);
      clear(of, layout.refusalBase + slot * REFUSAL_SLOTS, REFUSAL_SLOTS);
    }
  }
}
