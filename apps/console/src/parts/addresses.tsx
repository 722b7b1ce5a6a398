// The floating addresses: who owns each and since when, why, and what each node says of itself.
import type { JSX } from 'preact';
import type { VipStatus } from '@tospann/api/contract';
import { formatAge, formatShort, unknown } from '../core/format.ts';
import type { NodeView, VipView } from '../core/view.ts';
import { Badge, type IconName, type Tone } from './icons.tsx';

const looks: Readonly<Record<VipStatus['state'], readonly [Tone, IconName]>> = {
  master: ['ok', 'full'],
  backup: ['idle', 'ring'],
  init: ['warn', 'clock'],
  fault: ['bad', 'alert'],
};

export function Addresses(props: {
  readonly vips: readonly VipView[];
  readonly nodes: readonly NodeView[];
}): JSX.Element {
  const { vips, nodes } = props;
  return (
    <section aria-labelledby="addresses">
      <h2 id="addresses">Floating addresses</h2>
      {vips.length === 0 ? (
        <p class="empty">
          None yet. Add <code>vips</code> to the configuration and this pair shares an address.
        </p>
      ) : (
        <div class="scroll" role="region" aria-labelledby="addresses" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Address</th>
                <th scope="col">Owner</th>
                <th scope="col">Since</th>
                {nodes.map((node) => (
                  <th scope="col" key={node.name}>
                    {node.name}
                  </th>
                ))}
                <th scope="col">Last advert</th>
                <th scope="col" class="number">
                  Changes
                </th>
                <th scope="col" class="opt">
                  Why
                </th>
              </tr>
            </thead>
            <tbody>
              {vips.map((vip) => (
                <Row key={vip.name} vip={vip} nodes={nodes} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ vip, nodes }: { readonly vip: VipView; readonly nodes: readonly NodeView[] }): JSX.Element {
  return (
    <tr>
      <th scope="row">
        {vip.name} <span class="mono soft">{vip.address}</span>
      </th>
      <td data-testid={`vip-${vip.name}-owner`}>
        <OwnerNames owners={vip.owners} nodes={nodes} />
      </td>
      <td>{formatAge(vip.ownedForMs)}</td>
      {nodes.map((node) => (
        <td key={node.name}>
          <StateOf vip={vip} node={node} />
        </td>
      ))}
      <td>
        {vip.heartbeat === undefined ? (
          unknown
        ) : (
          <>
            {formatShort(vip.heartbeat.ageMs)} <span class="soft">at {vip.heartbeat.heardBy}</span>
          </>
        )}
      </td>
      <td class="number">{vip.transitions}</td>
      <td class="opt soft wrap">{vip.reason}</td>
    </tr>
  );
}

function OwnerNames(props: { readonly owners: readonly string[]; readonly nodes: readonly NodeView[] }): JSX.Element {
  const { owners, nodes } = props;
  if (owners.length === 0) return <Badge tone="bad" icon="cross" text="nobody" />;
  if (owners.length > 1) return <Badge tone="bad" icon="alert" text={owners.join(' and ')} />;
  const [owner = ''] = owners;
  return <b class={`node-${nodes.findIndex((node) => node.name === owner)}`}>{owner}</b>;
}

function StateOf({ vip, node }: { readonly vip: VipView; readonly node: NodeView }): JSX.Element {
  const state = vip.states.find((one) => one.node === node.name);
  if (state === undefined) return <Badge tone="idle" icon="off" text="unknown" />;
  const [tone, icon] = looks[state.vip.state];
  return (
    <>
      <Badge tone={tone} icon={icon} text={state.vip.state} /> <span class="soft">{state.vip.priority}</span>
    </>
  );
}
