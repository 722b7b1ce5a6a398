// @tospann/proxy: the HTTP data plane. An engine over a transport, run by worker threads that the service starts.
export type { BackendSnapshot, FrontendSnapshot, ProxySnapshot, ServerSnapshot, ServerState } from './core/snapshot.ts';
export type { WorkerControl, WorkerData, WorkerMessage } from './core/worker-data.ts';
export {
  chooseEngine,
  startProxy,
  type ProxyEvent,
  type ProxyListener,
  type ProxyLogLine,
  type ProxyOptions,
  type ProxyReload,
  type ProxyService,
} from './io/proxy-service.ts';
export { runProxyWorker } from './io/proxy-worker.ts';
export type { KnownAddress, ServerOrder } from './io/health/fleet.ts';
