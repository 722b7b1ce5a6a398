// The servers of each backend, dense as HAProxy's page: one line each, the state as colour, icon and word.
import type { JSX } from 'preact';
import type { ServerStatusWord } from '@tospann/api/contract';
import { idleBecause, isLive, takesTraffic } from '@tospann/api/pure';
import { formatAge, formatBytes, formatCount, formatRate, plural } from '../core/format.ts';
import type { BackendView, ServerView } from '../core/view.ts';
import { Badge, type IconName, type Tone } from './icons.tsx';
import { ServerOrders } from './server-order.tsx';

const looks: Readonly<Record<ServerStatusWord, readonly [Tone, IconName, string]>> = {
  up: ['ok', 'check', 'up'],
  down: ['bad', 'cross', 'down'],
  starting: ['warn', 'clock', 'starting'],
  unchecked: ['idle', 'dash', 'unchecked'],
  drain: ['warn', 'ring', 'draining'],
  maint: ['idle', 'off', 'maintenance'],
};

const columns: readonly (readonly [name: string, title: string, className: string])[] = [
  ['Server', '', ''],
  ['State', 'As the serving node sees it, and for how long', ''],
  ['Weight', '', 'number opt'],
  ['Now', 'Requests under way', 'number'],
  ['Req/s', '', 'number'],
  ['Requests', '', 'number opt'],
  ['Err/s', 'Answers 5xx, failed connections and broken answers', 'number'],
  ['5xx', 'Answers of class 5xx', 'number'],
  ['Connect', 'Failed connections', 'number'],
  ['Broken', 'Answers that were broken or cut', 'number opt'],
  ['Retries', 'Further attempts, of them to another server', 'number opt'],
  ['In', 'Bytes to the server', 'number opt'],
  ['Out', 'Bytes from the server', 'number opt'],
  ['Last check', '', 'check'],
  ['Operator', 'What is wanted of the server, on both nodes', ''],
];

export function Servers({ backends }: { readonly backends: readonly BackendView[] }): JSX.Element {
  return (
    <section aria-labelledby="servers">
      <h2 id="servers">Servers</h2>
      {backends.length === 0 ? (
        <p class="empty">No data plane answers, so nothing is known about the servers.</p>
      ) : (
        <div class="scroll" role="region" aria-labelledby="servers" tabIndex={0}>
          <table class="dense">
            <thead>
              <tr>
                {columns.map(([name, title, className]) => (
                  <th scope="col" key={name} class={className} title={title}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            {backends.map((backend) => (
              <Group key={backend.name} backend={backend} />
            ))}
          </table>
        </div>
      )}
    </section>
  );
}

function Group({ backend }: { readonly backend: BackendView }): JSX.Element {
  const taking = backend.servers.filter(({ server }) => takesTraffic(server)).length;
  const total = backend.servers.length;
  // A backup that waits for its turn is as it should be.
  const isWhole = backend.servers.every(({ server }) => isLive(server));
  const look = taking === 0 && total > 0 ? 'bad outage' : isWhole ? 'soft' : 'bad';
  const count = `${taking} of ${plural(total, 'server')} take traffic`;
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup" colSpan={columns.length}>
          {backend.name}{' '}
          <span class={look} data-testid={`taking-${backend.name}`}>
            {taking === total ? plural(total, 'server') : taking === 0 ? 'no server takes traffic' : count}
          </span>
        </th>
      </tr>
      {backend.servers.map((view) => (
        <Row key={view.key} view={view} backend={backend.name} />
      ))}
    </tbody>
  );
}

function Row({ view, backend }: { readonly view: ServerView; readonly backend: string }): JSX.Element {
  const { server } = view;
  const status = server.status ?? server.state;
  return (
    <tr class={`is-${status}`} data-testid={`server-${view.key}`} data-state={status}>
      <th scope="row">
        {server.name}{' '}
        <span class="mono soft">
          {server.address}:{server.port}
        </span>
      </th>
      <td>
        <State view={view} />
      </td>
      <td class="number opt">{weightText(server.weight, server.effectiveWeight)}</td>
      <td class="number">{formatCount(view.sessions)}</td>
      <td class="number">{formatRate(view.requestRate)}</td>
      <td class="number opt">{formatCount(view.requestsTotal)}</td>
      <td class={`number ${(view.errorRate ?? 0) > 0 ? 'bad' : ''}`}>{formatRate(view.errorRate)}</td>
      <td class="number">{formatCount(view.responses5xx)}</td>
      <td class="number">{formatCount(view.connectErrors)}</td>
      <td class="number opt">{formatCount(view.responseErrors)}</td>
      <td class="number opt">
        {formatCount(view.retries)} <span class="soft">/ {formatCount(view.redispatches)}</span>
      </td>
      <td class="number opt">{formatBytes(view.bytesIn)}</td>
      <td class="number opt">{formatBytes(view.bytesOut)}</td>
      <td class="check soft">{checkText(server)}</td>
      <td>
        <ServerOrders backend={backend} server={server} />
      </td>
    </tr>
  );
}

/** `100`, or `75 of 100` when something lowers it. */
function weightText(weight: number, effective = weight): string {
  return weight === effective ? String(weight) : `${effective} of ${weight}`;
}

function checkText({ lastCheck, checkDetail = '' }: ServerView['server']): string {
  return [lastCheck === '' ? 'not checked' : lastCheck, checkDetail].filter((text) => text !== '').join('; ');
}

/** The state says it all: it takes requests, or its word is why not. */
function isPlain(server: ServerView['server']): boolean {
  const status = server.status ?? server.state;
  return takesTraffic(server) || status === 'down' || status === 'drain' || status === 'maint';
}

function State({ view }: { readonly view: ServerView }): JSX.Element {
  const [tone, icon, text] = looks[view.server.status ?? view.server.state];
  return (
    <>
      <Badge tone={tone} icon={icon} text={text} /> <span class="soft">{formatAge(view.stateAgeMs)}</span>
      {isPlain(view.server) ? null : <span class="idle">no traffic: {idleBecause(view.server)}</span>}
      {view.disagreement === undefined ? null : (
        <span class="disagrees" title={view.disagreement.lastCheck}>
          {view.disagreement.node} sees it {view.disagreement.state}
        </span>
      )}
    </>
  );
}
