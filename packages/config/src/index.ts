// @tospann/config: the configuration file of a pair: schema, problems with places, model, importers, differences (L1).
export type {
  AclConfig,
  ActionConfig,
  AdminConfig,
  AgentConfig,
  BackendConfig,
  BindConfig,
  CheckConfig,
  CompressionConfig,
  ConditionConfig,
  CookieConfig,
  ErrorPageConfig,
  FrontendConfig,
  HashConfig,
  HttpConfig,
  LimitsConfig,
  LogConfig,
  MapConfig,
  MapKeyConfig,
  ObserveConfig,
  PairConfig,
  ProxyConfig,
  RateConfig,
  RuleConfig,
  ServerConfig,
  StatsConfig,
  TemplateConfig,
  TemplateVariable,
  TimeoutsConfig,
  ValueMatchConfig,
} from './model.ts';
export type {
  AdvertAuthConfig,
  AdvertKeyConfig,
  AnnounceConfig,
  CallConfig,
  EventsConfig,
  FailoverConfig,
  GroupConfig,
  HookConfig,
  HookEvent,
  NodeConfig,
  TrackScriptConfig,
  TunerConfig,
  VipConfig,
  VirtualRouterConfig,
} from './model-failover.ts';
export { canonicalJson } from './canonical.ts';
export { changeEffect, formatChange, listChanges, type ChangeEffect, type ConfigChange } from './changes.ts';
export { diffConfigs, RESTART_PARTS, type ConfigPart } from './diff.ts';
export { faultTable, type ElectionFaults, type FaultKind, type FaultRow } from './faults.ts';
export { loadConfig } from './io/load-config.ts';
export { configError, parseConfig, type ConfigResult } from './parse.ts';
export { failoverOf, groupsOf, tunerOf } from './elections.ts';
export { formatProblem, type ConfigProblem } from './problem.ts';
export {
  defaultPreemptDelayUs,
  downUs,
  leaseSeconds,
  PROBE_TIMES,
  probeDetectionMs,
  skewUs,
  type ElectionTiming,
} from './timing.ts';
export { selectNode } from './select-node.ts';
export { SELF_PROBE_ADDRESS, SELF_PROBE_AGENT } from './self-probe.ts';
export { importConfig, type ImportInput, type ImportResult, type ImportSource } from './import/import-config.ts';
export { renderKeepalivedReference } from './import/keepalived-reference.ts';
export { formatImportReport, type ImportLine, type ImportVerdict } from './import/report.ts';
export { configJsonSchema, EXAMPLE_CONFIG, renderConfigReference } from './reference.ts';
