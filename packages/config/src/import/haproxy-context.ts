// What the handlers of haproxy.cfg share: the draft, the report, and what a `defaults` section hands on.
import type { BindConfig } from '../model.ts';
import type { BackendWork } from './haproxy-backend.ts';
import type { BalanceSettings } from './haproxy-balance.ts';
import type { CheckSettings } from './haproxy-check.ts';
import type { NameTable } from './haproxy-names.ts';
import type { RuleWork } from './haproxy-rules.ts';
import type { ServerParams } from './haproxy-server.ts';
import type { SettingLine, SettingSection, Settings } from './haproxy-settings.ts';
import type { HaproxyLine, HaproxySection } from './haproxy-text.ts';
import type { CompressionDraft, FrontendDraft, PairDraft } from './pair-draft.ts';
import type { ImportReport } from './report.ts';

/** What sections take over from a `defaults` section. */
export interface Inherited {
  mode?: string;
  maxConnections?: number;
  defaultBackend?: string;
  balance?: BalanceSettings;
  compression?: CompressionDraft;
  checks: CheckSettings;
  defaultServer: ServerParams;
  /** Why no server below can be taken: what `default-server` says is not served. */
  serverRefusal?: string;
  /** `errorfile` lines, by status. */
  errorFiles: ReadonlyMap<string, HaproxyLine>;
  /** Rules, which HAProxy runs before those of the section. */
  rules: readonly HaproxyLine[];
  settings: Settings;
  /** `timeout tarpit` and `timeout connect`, in milliseconds. */
  tarpitMs?: number;
  connectMs?: number;
}

/** A frontend that was taken, as it is while sections are read. */
export interface FrontendWork {
  readonly section: HaproxySection;
  readonly draft: FrontendDraft;
  readonly rules: RuleWork;
  readonly settings: SettingSection;
}

/** A backend, likewise. */
export interface TakenBackend {
  readonly section: HaproxySection;
  readonly work: BackendWork;
  readonly settings: SettingSection;
}

/** A name, or why there is none. */
export type Named = { readonly ok: true; readonly name: string } | { readonly ok: false; readonly why: string };

export interface HaproxyContext {
  readonly draft: PairDraft;
  readonly report: ImportReport;
  /** `defaults` sections by name; the one that was read last is under the empty name, too. */
  readonly defaults: Map<string, Inherited>;
  /** Those of the section that is read. */
  inherited: Inherited;
  settings: Settings;
  readonly settingLines: SettingLine[];
  readonly frontends: FrontendWork[];
  readonly backends: TakenBackend[];
  /** Names here. */
  readonly frontendNames: NameTable;
  readonly backendNames: NameTable;
  /** The name here of a backend of the old file, for a frontend of this mode; or why there is none. */
  readonly backendNamed: (written: string, mode: 'http' | 'tcp') => Named;
  /** Modes of the sections as they are here, by keyword and name. */
  readonly modes: ReadonlyMap<string, 'http' | 'tcp'>;
  /** Backends of the old file that have no servers: they answer. */
  readonly answering: ReadonlySet<string>;
  /** Addresses that are listened on, with their frontends. */
  readonly binds: { readonly bind: BindConfig; readonly owner: string; readonly address: string }[];
  /** Files of error pages here, by those of the old file. */
  readonly pageFiles: Map<string, string>;
  /** `spread-checks` of global: a percentage. */
  jitter?: string;
  globalMaxconn?: { readonly value: number; readonly line: HaproxyLine };
}

/** A handler of one line; false when the line is not its business. */
export type LineHandler = (context: HaproxyContext, line: HaproxyLine) => boolean;

/** Notes a setting of the section that is read; it is answered when all are known. */
export function addSetting(context: HaproxyContext, setting: SettingLine): void {
  context.settings.set(setting.key, setting);
  context.settingLines.push(setting);
}

/** What no `defaults` section says. */
export function nothingInherited(): Inherited {
  return { checks: {}, defaultServer: {}, errorFiles: new Map(), rules: [], settings: new Map() };
}
