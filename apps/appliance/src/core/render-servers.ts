// The text of `tospann servers list`: pure. One line for each server, with the words that say why it is so.
import { idleBecause, type ServerList, type ServerStatus, takesTraffic } from '@tospann/api';
import { queueText, table } from './render-status.ts';

/** Renders the servers of a node for a terminal. */
export function renderServers({ servers }: ServerList): readonly string[] {
  const rows = servers.map((server) => [
    `${server.backend}/${server.name}`,
    server.hostName === undefined
      ? `${server.address}:${server.port}`
      : `${server.hostName}:${server.port} (${server.resolution === 'unresolved' ? 'no address' : server.address})`,
    server.status ?? server.state,
    trafficText(server),
    weightText(server.weight, server.effectiveWeight),
    String(server.currentSessions),
    queueText(server.queued, server.backendQueued),
    String(server.requestsTotal),
    [server.lastCheck, server.checkDetail].filter((text) => text !== undefined && text !== '').join('; '),
  ]);
  return table([['SERVER', 'ADDRESS', 'STATE', 'TRAFFIC', 'WEIGHT', 'SESSIONS', 'QUEUE', 'REQUESTS', 'WHY'], ...rows]);
}

/** Whether new requests go there: `yes`, `no: draining`; what is shown of health alone is not enough. */
export function trafficText(server: ServerStatus): string {
  return takesTraffic(server) ? 'yes' : `no: ${idleBecause(server)}`;
}

/** `100`, or `75 of 100` when something lowers it. */
export function weightText(weight: number, effective = weight): string {
  return weight === effective ? String(weight) : `${effective} of ${weight}`;
}
