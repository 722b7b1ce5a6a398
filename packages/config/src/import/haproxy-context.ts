// What the handlers of haproxy.cfg share: the draft, the report, and what a `defaults` section hands on. A setting
// that HAProxy has for each proxy and this product for the pair is set once; a second, different value is refused.
import type { CompressionDraft, PairDraft } from './pair-draft.ts';
import type { BackendRule } from './haproxy-backend-rules.ts';
import type { RuleWork } from './haproxy-rules.ts';
import type { BalanceSettings } from './haproxy-balance.ts';
import type { CheckSettings } from './haproxy-check.ts';
import type { ServerParams } from './haproxy-server.ts';
import type { HaproxyLine } from './haproxy-text.ts';
import type { Answer, ImportReport } from './report.ts';

/** What proxies take over from the last `defaults` section. */
export interface Inherited {
  mode?: string;
  maxConnections?: number;
  defaultBackend?: string;
  balance?: BalanceSettings;
  compression?: CompressionDraft;
  checks: CheckSettings;
  defaultServer: ServerParams;
}

export interface HaproxyContext {
  readonly draft: PairDraft;
  readonly report: ImportReport;
  inherited: Inherited;
  /** Frontends that were taken, with their ACLs. */
  readonly frontends: RuleWork[];
  /** Rules of backends, to be placed at the end. */
  readonly backendRules: BackendRule[];
  /** `timeout tarpit`, as the new file writes it. */
  tarpit?: string;
  /** `spread-checks` of global: a percentage. */
  jitter?: string;
  globalMaxconn?: { readonly value: number; readonly line: HaproxyLine };
  readonly pairWide: Map<string, { readonly value: string; readonly line: HaproxyLine }>;
}

/** A handler of one line; false when the line is not its business. */
export type LineHandler = (context: HaproxyContext, line: HaproxyLine) => boolean;

/** Sets a setting of the whole pair, unless an earlier line set it to something else. */
export function setForPair(
  context: HaproxyContext,
  line: HaproxyLine,
  setting: { readonly key: string; readonly value: string; readonly apply: () => void; readonly answer: Answer },
): void {
  const before = context.pairWide.get(setting.key);
  if (before === undefined) {
    context.pairWide.set(setting.key, { value: setting.value, line });
    setting.apply();
    context.report.answer(line, setting.answer);
  } else if (before.value === setting.value) {
    context.report.answer(line, { ...setting.answer, why: `the same as line ${before.line.line}` });
  } else {
    context.report.answer(line, {
      verdict: 'refused',
      why: `this version has one value for the whole pair, and line ${before.line.line} ("${before.line.text}") came first`,
      target: setting.answer.target ?? '',
    });
  }
}
