// @tospann/tuner: settings of the kernel for a load balancer. What they are and why (catalogue), what is found on the
// machine (facts), what follows (plan, audit, report), and the way there and back (apply, confirm, revert).
export { adviceFor, oldAdvice, type Advice } from './core/advice.ts';
export { auditSysctl, type AuditLine, type AuditVerdict } from './core/audit.ts';
export { catalogue, entryOf } from './core/catalogue.ts';
export { openFilesFor } from './core/catalogue/entry.ts';
export {
  heldFiles,
  heldKeys,
  isExpired,
  stateOf,
  unconfirmed,
  type AppliedChange,
  type HeldKey,
  type JournalRecord,
  type KeyState,
} from './core/journal.ts';
export type {
  CatalogueEntry,
  Facts,
  FoundValue,
  Plan,
  PlanAction,
  PlanItem,
  Profile,
  SettingLine,
  Virtualisation,
  Wanted,
} from './core/model.ts';
export { NOTRACK_TABLE, notrackObstacles, notrackRules, type NotrackFlows } from './core/notrack.ts';
export { MODULES_FILE, SYSCTL_FILE } from './core/persist.ts';
export { changesOf, makePlan } from './core/plan.ts';
export { renderTunerReference } from './core/reference.ts';
export {
  eachTcpSocket,
  parseConntrackStat,
  parseOpenFiles,
  parsePairedLines,
  parsePressure,
  parseSockstat,
  parseSoftnet,
  type Pressure,
  type SoftnetCpu,
  type TcpSocket,
} from './core/proc.ts';
export {
  censusFindings,
  findingsOf,
  portsLeft,
  socketsByState,
  type CounterSample,
  type Finding,
  type PortsLeft,
  type SocketCensus,
} from './core/report.ts';
export { parseSysctl } from './core/sysctl-file.ts';
export { notrackFlowsOf, USUAL_WISHES, wantedOf } from './core/wanted.ts';
export {
  applyPlan,
  confirmApply,
  type ApplyOptions,
  type ApplyReport,
  type KeyOutcome,
  type TunerPlace,
} from './io/apply.ts';
export { readCensus, readCounters } from './io/counters.ts';
export { readFacts, type FactsOptions } from './io/facts.ts';
export { Journal, tunerDirectory } from './io/journal.ts';
export { readKey } from './io/kernel-keys.ts';
export { hasNotrack } from './io/nft.ts';
export { bootNow, revertAll, settleIfExpired, type RevertOutcome } from './io/revert.ts';
export { readDriftedKeys, readTunerStatus, type KeyStatus, type TunerStatus } from './io/status.ts';
export { SystemRoot } from './io/system-root.ts';
export { Watch, type WatchOptions } from './io/watch.ts';
export { watchAlarms, type WatchAlarm, type WatchNews, type WatchView } from './core/watch/sample.ts';
