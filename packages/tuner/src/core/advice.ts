// Old advice that harms, does nothing or is gone: what sysctl files of many years carry. Data, with the reason that an
// operator is told. The audit and the overrides of the configuration ask here first.
import type { KernelVersion } from './model.ts';
import { memoryShare } from './catalogue/entry.ts';
import type { Facts } from './model.ts';

/** One piece of advice. */
export interface Advice {
  readonly verdict: 'harmful' | 'gone' | 'no-effect';
  /** The whole key. */
  readonly key: RegExp;
  /** True for the values that are meant; absent: any. */
  readonly when?: (numbers: readonly number[], facts: Facts, text: string) => boolean;
  /** Only from this kernel on. */
  readonly from?: KernelVersion;
  /** One sentence, without a period. */
  readonly why: string;
}

const MIB = 1024 * 1024;
const first = (numbers: readonly number[]): number => numbers[0] ?? Number.NaN;
const is =
  (value: number) =>
  (numbers: readonly number[]): boolean =>
    first(numbers) === value;

// long: a table.
export const oldAdvice: readonly Advice[] = [
  {
    verdict: 'gone',
    key: /^net\.ipv4\.tcp_tw_recycle$/,
    why: 'left the kernel in Linux 4.12; it dropped new connections of clients that share an address behind NAT: remove the line',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_timestamps$/,
    when: is(0),
    why: 'ends measurement of round trips, protection against old packets and tcp_tw_reuse: leave it at 1',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_sack$/,
    when: is(0),
    why: 'one lost packet then costs a whole window; the flaws of 2019 are repaired: leave it at 1',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_window_scaling$/,
    when: is(0),
    why: 'a connection then carries 64 KiB a round trip at most: leave it at 1',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_syncookies$/,
    when: is(0),
    why: 'a SYN flood then fills the queue of half-open connections: leave it at 1',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_syncookies$/,
    when: is(2),
    why: '2 sends cookies always, for tests only: connections lose options that cookies cannot carry',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_abort_on_overflow$/,
    when: is(1),
    why: 'a short burst is answered with resets, which users see, instead of being tried again',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_fin_timeout$/,
    when: (numbers) => first(numbers) < 10,
    why: 'does not shorten TIME_WAIT, which is 60 s in any case; so low it cuts answers that slow clients still read',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_mem$/,
    when: (numbers, facts) => (numbers[2] ?? 0) * facts.pageBytes > memoryShare(facts, 1),
    why: 'the unit is pages, not bytes: so much is more than this machine has, and there is no limit left',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.tcp_[rw]mem$/,
    when: (numbers) => (numbers[1] ?? 0) > MIB,
    why: 'the middle value is what every socket may take from the start: thousands of clients take all memory',
  },
  {
    verdict: 'harmful',
    key: /^net\.core\.[rw]mem_default$/,
    when: (numbers) => first(numbers) > MIB,
    why: 'every socket of the machine may take so much from the start',
  },
  {
    verdict: 'harmful',
    key: /^net\.core\.netdev_max_backlog$/,
    when: (numbers) => first(numbers) > 16_384,
    why: 'so long a queue adds latency instead of throughput: 5000 is enough, and only when it overflows',
  },
  {
    verdict: 'harmful',
    key: /^net\.core\.busy_(?:poll|read)$/,
    when: (numbers, facts) => first(numbers) > 0 && facts.virtualisation.kind !== 'none',
    why: 'burns a processor that this machine shares with others, and gets it taken away',
  },
  {
    verdict: 'harmful',
    key: /^net\.ipv4\.conf\.[^.]+\.rp_filter$/,
    when: is(1),
    why: 'strict filtering drops packets that come in by another way than answers go out: 2 (loose) is enough',
  },
  {
    verdict: 'harmful',
    key: /^vm\.min_free_kbytes$/,
    when: (numbers, facts) => first(numbers) * 1024 > memoryShare(facts, 0.1),
    why: 'more than a tenth of this machine is then never used',
  },
  {
    verdict: 'gone',
    key: /^net\.ipv4\.(?:netfilter\.)?ip_conntrack_/,
    why: 'the old name of net.netfilter.nf_conntrack_...: no kernel since 2.6.20 reads it',
  },
  {
    verdict: 'gone',
    key: /^net\.netfilter\.nf_conntrack_helper$/,
    from: [6, 0],
    why: 'left the kernel in Linux 6.0: helpers are assigned by rules',
  },
  {
    verdict: 'no-effect',
    key: /^net\.ipv4\.tcp_(?:low_latency|adv_win_scale|fack|frto_response|max_ssthresh|dma_copybreak)$/,
    why: 'the kernel still takes it, and does nothing with it',
  },
  {
    verdict: 'no-effect',
    key: /^net\.ipv4\.tcp_stdurg$/,
    why: 'only for urgent data, which HTTP does not use',
  },
];

/** The advice that a key and its value are, if any. `numbers` of the value, as far as it consists of them. */
export function adviceFor(setting: { readonly key: string; readonly value: string }, facts: Facts): Advice | undefined {
  const numbers = setting.value.trim().split(/\s+/).map(Number);
  return oldAdvice.find(
    ({ key, when, from }) =>
      key.test(setting.key) &&
      (from === undefined || !isBefore(facts.kernel.version, from)) &&
      (when === undefined || when(numbers, facts, setting.value)),
  );
}

/** Whether a kernel is older than another. */
export function isBefore(version: KernelVersion, than: KernelVersion): boolean {
  return version[0] < than[0] || (version[0] === than[0] && version[1] < than[1]);
}
