// Notices that may come many times a second (somebody removes the addresses over and over): the first is told at once, what
// follows within a span is told together at its end. Not what they say. Pure; times are monotonic ms.

const spanMs = 10_000;
/** Names told in one sentence. */
const namesMost = 5;

/** What is told in one. */
export interface GatheredNotice {
  readonly what: string;
  /** Empty: more than one address. */
  readonly vip: string;
  readonly detail: string;
}

interface Span {
  readonly endMs: number;
  count: number;
  detail: string;
  readonly vips: Set<string>;
}

export class NoticeGate {
  readonly #spans = new Map<string, Span>();

  /** @returns Whether it is told now, as it is. */
  pass({ what, vip, detail }: GatheredNotice, nowMs: number): boolean {
    const span = this.#spans.get(what);
    if (span === undefined) {
      this.#spans.set(what, { endMs: nowMs + spanMs, count: 0, detail, vips: new Set() });
      return true;
    }
    span.count += 1;
    span.detail = detail;
    span.vips.add(vip);
    return false;
  }

  /** When `take` wants to be called; Infinity: nothing waits. */
  get dueMs(): number {
    return Math.min(Infinity, ...[...this.#spans.values()].map(({ endMs }) => endMs));
  }

  /** What was gathered in the spans that are over; a span that told something begins anew. */
  take(nowMs: number): readonly GatheredNotice[] {
    const told: GatheredNotice[] = [];
    for (const [what, { endMs, count, detail, vips }] of this.#spans) {
      if (endMs > nowMs) continue;
      this.#spans.delete(what);
      if (count === 0) continue;
      this.#spans.set(what, { endMs: nowMs + spanMs, count: 0, detail, vips: new Set() });
      const [only = ''] = vips;
      const names =
        [...vips].slice(0, namesMost).join(', ') + (vips.size > namesMost ? ` and ${vips.size - namesMost} more` : '');
      const times = `${count} times in ${spanMs / 1000} s`;
      told.push({
        what,
        vip: vips.size === 1 ? only : '',
        detail: vips.size === 1 ? `${detail} (${times})` : `${detail} (${times}: ${names})`,
      });
    }
    return told;
  }
}
