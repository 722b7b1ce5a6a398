// @tospann/api: the admin API of one node (HTTP, live stream, metrics, console files, peer link) and its contract.
// It knows nothing of the data plane's or the agent's code: the appliance hands it their figures.
export {
  adminState,
  backendStatus,
  childStatus,
  eventDraft,
  eventGap,
  eventSeverity,
  failoverReport,
  maintenanceReport,
  failoverRequest,
  frontendStatus,
  historySample,
  hostStatus,
  liveMessage,
  moverStatus,
  nodeEvent,
  nodeStatus,
  operationReport,
  pairStatus,
  peerStatus,
  problem,
  proxyStatus,
  serverChange,
  serverChangeReport,
  serverList,
  serverState,
  serverStatus,
  sessionRequest,
  sessionStatus,
  verdict,
  vipState,
  vipStatus,
  vrrpStatus,
  type AdminState,
  type BackendStatus,
  type ChildStatus,
  type EventDraft,
  type EventGap,
  type EventLine,
  type EventSeverity,
  type FailoverReport,
  type FailoverRequest,
  type FrontendStatus,
  type Frozen,
  type HistorySample,
  type HostStatus,
  type ConditionState,
  type ConditionStatus,
  type MaintenanceReport,
  type MaintenanceRequest,
  type MaintenanceStatus,
  type LiveMessage,
  type MoverStatus,
  type NodeEvent,
  type NodeStatus,
  type Operation,
  type OperationReport,
  type PairStatus,
  type PeerStatus,
  type Problem,
  type ProxyStatus,
  type ServerChange,
  type ServerChangeReport,
  type ServerList,
  type ServerOrder,
  type ServerState,
  type ServerStatus,
  type ServerStatusWord,
  type SessionRequest,
  type SessionStatus,
  type Verdict,
  type VipState,
  type VipStatus,
  type PeerLinkStatus,
  type VrrpStatus,
} from './contract.ts';
export { planFailover, planMaintenance, type FailoverPlan, type MaintenancePlan } from './core/failover-plan.ts';
export type { MetricFamily, MetricSample } from './core/metric-rows.ts';
export { metricFamilies } from './core/metrics.ts';
export { heirOf, type Heir } from './core/heir.ts';
export { notReady } from './core/ready.ts';
export { idleBecause, takesTraffic } from './core/traffic.ts';
export { judge } from './core/verdict.ts';
export { consoleToken, loadClusterKey, readOrCreateClusterKey, type ClusterKey } from './io/cluster-key.ts';
export { EVENT_KINDS } from './core/event-log.ts';
export { readEventFile } from './io/event-file.ts';
export { openEventStore, type EventStore } from './io/event-store.ts';
export type { ApiLog, ApiLogLine } from './io/log.ts';
export type { PeerAddress } from './io/peer-client.ts';
export type { AgentMove, MoveOrder } from './io/move-routes.ts';
export type { ConsoleAsset } from './io/routes.ts';
export type { ApiBind, ApiOptions, RunningApi } from './io/start-api.ts';
export { startApi } from './io/start-lazy.ts';
export { placeSecretFile, readSecretFile } from './io/atomic-file.ts';
