// One card for each node: its role, figures, engine, children and machine.
import type { ComponentChildren, JSX } from 'preact';
import type { ChildStatus, NodeStatus, PeerLinkStatus } from '@tospann/api/contract';
import { formatAge, formatCount, formatPercent, formatRate, formatShort, plural, shortHash } from '../core/format.ts';
import type { NodeRole, NodeView } from '../core/view.ts';
import { Badge, type IconName, type Tone } from './icons.tsx';

const roles: Readonly<Record<NodeRole, readonly [Tone, IconName, string]>> = {
  owner: ['ok', 'full', 'serving'],
  ready: ['ok', 'ring', 'ready'],
  out: ['idle', 'off', 'maintenance'],
  fault: ['bad', 'alert', 'not ready'],
  gone: ['bad', 'off', 'no answer'],
};

const childLooks: Readonly<Record<ChildStatus['state'], readonly [Tone, IconName]>> = {
  ready: ['ok', 'check'],
  starting: ['warn', 'clock'],
  draining: ['warn', 'clock'],
  down: ['bad', 'cross'],
};

export function Nodes({ nodes }: { readonly nodes: readonly NodeView[] }): JSX.Element {
  return (
    <section class="nodes" aria-label="Nodes">
      {nodes.map((node, index) => (
        <Card key={node.name} node={node} index={index} />
      ))}
    </section>
  );
}

function Card({ node, index }: { readonly node: NodeView; readonly index: number }): JSX.Element {
  const [tone, icon, word] = roles[node.role];
  const { status } = node;
  return (
    <article
      class={`card node ${node.role}`}
      data-testid={`node-${node.name}`}
      data-role={node.role}
      aria-labelledby={`node-${index}`}
    >
      <header>
        <h2 id={`node-${index}`} class={`node-${index}`}>
          {node.name}
        </h2>
        <Badge tone={tone} icon={icon} text={word} />
        <p class="soft">{node.why}</p>
        {node.isSelf ? <span class="tag">this page</span> : null}
      </header>
      {status === undefined ? (
        <p class="empty">This node has not been heard yet.</p>
      ) : (
        <>
          <Figures node={node} status={status} />
          <Facts node={node} status={status} />
          <Notices notices={status.notices} />
        </>
      )}
    </article>
  );
}

function Figures({ node, status }: { readonly node: NodeView; readonly status: NodeStatus }): JSX.Element {
  const connections = status.proxy?.frontends.reduce((sum, frontend) => sum + frontend.currentConnections, 0);
  const isOld = node.role === 'gone';
  return (
    <dl class="figures">
      <Figure name="requests/s" value={formatRate(node.requestRate)} />
      <Figure name="errors/s" value={formatRate(node.errorRate)} isBad={(node.errorRate ?? 0) > 0} />
      <Figure name="connections" value={isOld ? formatCount(undefined) : formatCount(connections)} />
      <Figure name="median" value={formatShort(node.p50Ms)} />
      <Figure name="p99" value={formatShort(node.p99Ms)} />
    </dl>
  );
}

function Figure(props: { readonly name: string; readonly value: string; readonly isBad?: boolean }): JSX.Element {
  return (
    <div class={props.isBad ? 'bad' : ''}>
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
    </div>
  );
}

function Facts({ node, status }: { readonly node: NodeView; readonly status: NodeStatus }): JSX.Element {
  const { proxy, vrrp, host = {} } = status;
  return (
    <dl class="facts">
      <Fact name="Processes">
        <span class="children">
          {status.children.map((child) => (
            <Child key={child.name} child={child} />
          ))}
        </span>
      </Fact>
      <Fact name="Engine">
        {proxy === undefined ? (
          'no answer'
        ) : (
          <>
            <b>{proxy.engine === 'ring' ? 'io_uring' : 'node:net'}</b>, {plural(proxy.threads, 'thread')}{' '}
            <span class="soft">{proxy.engineReason}</span>
          </>
        )}
      </Fact>
      <Fact name="Configuration">
        <span class="mono">{shortHash(status.configHash)}</span> <Sync inSync={node.inSync} />
      </Fact>
      <Fact name="Failover agent">
        {vrrp === undefined
          ? 'no answer'
          : `${vrrp.scheduling}, late by ${formatShort(vrrp.latenessLastMinuteMs)} at most in the last minute`}
      </Fact>
      {vrrp?.peerLink === undefined ? null : (
        <Fact name="Peer link">
          <PeerLink link={vrrp.peerLink} />
        </Fact>
      )}
      <Fact name="Machine">{machine(host)}</Fact>
      <Fact name="Up">
        {formatAge(status.uptimeMs)} <span class="soft">version {status.version}</span>
      </Fact>
    </dl>
  );
}

function Fact(props: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

/** The second path to the other node; what is wrong between the nodes stands in the verdict. */
function PeerLink({ link }: { readonly link: PeerLinkStatus }): JSX.Element {
  if (!link.connected)
    return (
      <>
        <Badge tone="warn" icon="alert" text="down" /> <span class="soft">{link.detail}</span>
      </>
    );
  const trip = link.roundTripMs < 0 ? '' : `round trip ${formatShort(link.roundTripMs)}`;
  return (
    <>
      {link.speaking ? (
        <Badge tone="ok" icon="check" text={`to ${link.peer}`} />
      ) : (
        <Badge tone="warn" icon="clock" text="silent" />
      )}{' '}
      <span class="soft">{trip}</span>
    </>
  );
}

function machine(host: NonNullable<NodeStatus['host']>): string {
  const parts = [`CPU ${formatPercent(host.cpuBusyRatio)}`];
  if ((host.cpuStealRatio ?? 0) >= 0.005) parts.push(`stolen ${formatPercent(host.cpuStealRatio)}`);
  if (host.conntrackEntries !== undefined && host.conntrackLimit !== undefined) {
    parts.push(`tracked ${formatCount(host.conntrackEntries)} of ${formatCount(host.conntrackLimit)}`);
  }
  return parts.join(', ');
}

function Child({ child }: { readonly child: ChildStatus }): JSX.Element {
  const [tone, icon] = childLooks[child.state];
  const restarts = child.restartsTotal === 0 ? '' : plural(child.restartsTotal, 'restart');
  const text = child.state === 'ready' ? child.name : `${child.name} ${child.state}`;
  return (
    <span title={child.detail} data-testid={`child-${child.name}`}>
      <Badge tone={tone} icon={icon} text={text} />
      {restarts === '' ? null : <span class="soft"> {restarts}</span>}
    </span>
  );
}

function Sync({ inSync }: { readonly inSync: boolean | undefined }): JSX.Element | null {
  if (inSync === undefined) return null;
  return inSync ? (
    <Badge tone="ok" icon="check" text="same on both" />
  ) : (
    <Badge tone="warn" icon="alert" text="differs" />
  );
}

function Notices({ notices }: { readonly notices: readonly string[] }): JSX.Element | null {
  if (notices.length === 0) return null;
  return (
    <ul class="notices">
      {notices.map((notice) => (
        <li key={notice}>{notice}</li>
      ))}
    </ul>
  );
}
