// @tospann/config: the configuration file of a pair: schema, problems with places, model, importers, differences (L1).
export type {
  AclConfig,
  AdminConfig,
  BackendConfig,
  BindConfig,
  CheckConfig,
  CookieConfig,
  FrontendConfig,
  HttpConfig,
  LogConfig,
  NodeConfig,
  PairConfig,
  ProxyConfig,
  RuleConfig,
  ServerConfig,
  TimeoutsConfig,
  VipConfig,
} from './model.ts';
export { canonicalJson } from './canonical.ts';
export { diffConfigs, type ConfigPart } from './diff.ts';
export { loadConfig } from './io/load-config.ts';
export { configError, parseConfig, type ConfigResult } from './parse.ts';
export { formatProblem, type ConfigProblem } from './problem.ts';
export { selectNode } from './select-node.ts';
export { SELF_PROBE_AGENT } from './self-probe.ts';
export { importConfig, type ImportInput, type ImportResult, type ImportSource } from './import/import-config.ts';
export { formatImportReport, type ImportLine, type ImportVerdict } from './import/report.ts';
export { configJsonSchema, EXAMPLE_CONFIG, renderConfigReference } from './reference.ts';
