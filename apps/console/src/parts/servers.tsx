// The servers of each backend, dense as HAProxy's page: one line each, the state as colour, icon and word.
import type { JSX } from 'preact';
import type { ServerState } from '@tospann/api/contract';
import { formatAge, formatBytes, formatCount, formatRate, plural } from '../core/format.ts';
import type { BackendView, ServerView } from '../core/view.ts';
import { Badge, type IconName, type Tone } from './icons.tsx';

const looks: Readonly<Record<ServerState, readonly [Tone, IconName]>> = {
  up: ['ok', 'check'],
  down: ['bad', 'cross'],
  starting: ['warn', 'clock'],
  unchecked: ['idle', 'dash'],
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
  const taking = backend.servers.filter(({ server }) => server.state !== 'down').length;
  const total = backend.servers.length;
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup" colSpan={columns.length}>
          {backend.name}{' '}
          <span class={taking === total ? 'soft' : 'bad'}>
            {taking === total ? plural(total, 'server') : `${taking} of ${plural(total, 'server')} up`}
          </span>
        </th>
      </tr>
      {backend.servers.map((view) => (
        <Row key={view.key} view={view} />
      ))}
    </tbody>
  );
}

function Row({ view }: { readonly view: ServerView }): JSX.Element {
  const { server } = view;
  return (
    <tr class={`is-${server.state}`} data-testid={`server-${view.key}`} data-state={server.state}>
      <th scope="row">
        {server.name}{' '}
        <span class="mono soft">
          {server.address}:{server.port}
        </span>
      </th>
      <td>
        <State view={view} />
      </td>
      <td class="number opt">{server.weight}</td>
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
      <td class="check soft">{server.lastCheck === '' ? 'not checked' : server.lastCheck}</td>
    </tr>
  );
}

function State({ view }: { readonly view: ServerView }): JSX.Element {
  const [tone, icon] = looks[view.server.state];
  return (
    <>
      <Badge tone={tone} icon={icon} text={view.server.state} /> <span class="soft">{formatAge(view.stateAgeMs)}</span>
      {view.disagreement === undefined ? null : (
        <span class="disagrees" title={view.disagreement.lastCheck}>
          {view.disagreement.node} sees it {view.disagreement.state}
        </span>
      )}
    </>
  );
}
