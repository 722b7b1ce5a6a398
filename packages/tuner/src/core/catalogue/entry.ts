// Short ways to write entries of the catalogue, and arithmetic that their formulas share. No entries.
import type { CatalogueEntry, Facts, ValueForm, Wanted } from '../model.ts';

const INT_MAX = 2_147_483_647;

/** What an entry says when it says nothing else. */
const USUAL = {
  scope: 'netns',
  policy: 'watch',
  unit: 'number',
  form: { type: 'number', min: 0, max: INT_MAX },
  risk: 'none known',
  evidence: [],
  source: 'kernel: Documentation/networking/ip-sysctl.rst',
} as const satisfies Partial<CatalogueEntry>;

/** An entry with the usual values where nothing else is said. */
export function entry(
  of: Pick<CatalogueEntry, 'key' | 'theme' | 'why'> & Partial<Omit<CatalogueEntry, 'key' | 'theme' | 'why'>>,
): CatalogueEntry {
  return { ...USUAL, ...of };
}

/** A whole number within a range. */
export function number(min: number, max = INT_MAX): ValueForm {
  return { type: 'number', min, max };
}

/** So many whole numbers between white space. */
export function tuple(length: number, max = INT_MAX): ValueForm {
  return { type: 'tuple', length, min: 0, max };
}

export const flag: ValueForm = { type: 'number', min: 0, max: 1 };
export const word: ValueForm = { type: 'word' };

/** The least power of two that is not below `value`. */
export function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** The first number of a key as it is; undefined when the key is not there. */
export function currentNumber(facts: Facts, key: string): number | undefined {
  const text = facts.values[key]?.raw.trim().split(/\s+/)[0] ?? '';
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** All numbers of a key as it is. */
export function currentNumbers(facts: Facts, key: string): readonly number[] {
  const words = facts.values[key]?.raw.trim().split(/\s+/) ?? [];
  return words.every((one) => /^\d+$/.test(one)) ? words.map(Number) : [];
}

/** Bytes of memory that a share of the machine is. */
export function memoryShare(facts: Facts, share: number): number {
  return facts.memoryMib * 1024 * 1024 * share;
}

/** Length of the accept queue that 200 ms of arrivals fill: 4096 to 65535. */
export function acceptQueue(wanted: Wanted): number {
  const least = wanted.profile === 'high-connections' ? 16_384 : 4096;
  return Math.max(least, Math.min(65_535, powerOfTwo(wanted.connectionRate / 5)));
}

/** Open files of the proxy for the wanted connections: two sockets for each, a tenth more, and what it holds itself. */
export function openFilesFor(wanted: Wanted): number {
  return powerOfTwo(2 * wanted.connections * 1.1 + 1024);
}

/** Bytes that one entry of connection tracking takes, extensions included. */
export const CONNTRACK_ENTRY_BYTES = 320;
/** What the tuner sets for closed connections, s. */
export const CONNTRACK_TIME_WAIT_S = 30;

/** Entries of connection tracking for the wanted connections: both sides, and what is in TIME_WAIT; a tenth of memory at most. */
export function conntrackEntries(facts: Facts, wanted: Wanted): number {
  const { connections, connectionRate, upstreamRate } = wanted;
  const need = 1.25 * (2 * connections + (connectionRate + upstreamRate) * CONNTRACK_TIME_WAIT_S);
  return Math.floor(Math.min(powerOfTwo(need), memoryShare(facts, 0.1) / CONNTRACK_ENTRY_BYTES));
}

export const isVirtual = (facts: Facts): boolean => facts.virtualisation.kind !== 'none';
