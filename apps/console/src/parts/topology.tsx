// The pair at a glance: addresses, nodes, backends, and which way requests go. Drawn by hand; all that it shows is in
// the tables and cards below as well, so it is one picture to a screen reader.
import type { JSX } from 'preact';
import { takesTraffic } from '@tospann/api/pure';
import { formatRate } from '../core/format.ts';
import type { BackendView, NodeView, VipView } from '../core/view.ts';

interface Props {
  readonly nodes: readonly NodeView[];
  readonly vips: readonly VipView[];
  readonly backends: readonly BackendView[];
}

const width = 1000;
const rowHeight = 62;
const boxHeight = 44;
const columns = { vip: { x: 0, width: 220 }, node: { x: 390, width: 220 }, backend: { x: 780, width: 220 } } as const;

interface Box {
  readonly key: string;
  readonly y: number;
}

/** Spreads boxes over the height, each in the middle of its share. */
function spread(keys: readonly string[], height: number): readonly Box[] {
  return keys.map((key, i) => ({ key, y: ((i + 0.5) * height) / keys.length }));
}

export function Topology({ nodes, vips, backends }: Props): JSX.Element {
  const rows = Math.max(nodes.length, Math.max(1, vips.length), backends.length);
  const height = rows * rowHeight;
  const entries = vips.length === 0 ? ['clients'] : vips.map((vip) => vip.name);
  const vipBoxes = spread(entries, height);
  const nodeBoxes = spread(
    nodes.map((node) => node.name),
    height,
  );
  const backendBoxes = spread(
    backends.map((backend) => backend.name),
    height,
  );
  return (
    <section class="topology" aria-label="Topology">
      <svg viewBox={`-2 0 ${width + 4} ${height}`} role="img" aria-label={describe(nodes, vips, backends)}>
        {nodeBoxes.map((to, n) => (
          <g key={to.key} class={`ways node-${n}`}>
            {vipBoxes.map((from) => (
              <Way key={from.key} from={from.y} to={to.y} side="left" isActive={isServing(vips, from.key, nodes[n])} />
            ))}
            {backendBoxes.map((backend) => (
              <Way key={backend.key} from={to.y} to={backend.y} side="right" isActive={nodes[n]?.role === 'owner'} />
            ))}
          </g>
        ))}
        {vipBoxes.map((box, i) => (
          <BoxShape
            key={box.key}
            column="vip"
            y={box.y}
            title={box.key}
            text={vips[i]?.address ?? ''}
            look={(vips[i]?.owners.length ?? 1) === 1 ? '' : 'bad'}
          />
        ))}
        {nodeBoxes.map((box, i) => (
          <NodeBox key={box.key} y={box.y} node={nodes[i]} index={i} />
        ))}
        {backendBoxes.map((box, i) => (
          <BackendBox key={box.key} y={box.y} backend={backends[i]} />
        ))}
      </svg>
    </section>
  );
}

function isServing(vips: readonly VipView[], name: string, node: NodeView | undefined): boolean {
  if (node === undefined || node.role === 'gone') return false;
  return vips.length === 0
    ? node.role === 'owner'
    : vips.some((vip) => vip.name === name && vip.owners.includes(node.name));
}

function Way(props: {
  readonly from: number;
  readonly to: number;
  readonly side: 'left' | 'right';
  readonly isActive: boolean;
}): JSX.Element {
  const { vip, node, backend } = columns;
  const [x1, x2] = props.side === 'left' ? [vip.x + vip.width, node.x] : [node.x + node.width, backend.x];
  const middle = (x1 + x2) / 2;
  const d = `M${x1} ${props.from}C${middle} ${props.from} ${middle} ${props.to} ${x2} ${props.to}`;
  return <path d={d} class={props.isActive ? 'way active' : 'way'} />;
}

interface BoxProps {
  readonly column: keyof typeof columns;
  readonly y: number;
  readonly title: string;
  readonly text: string;
  readonly look: string;
  readonly right?: string;
}

function BoxShape({ column, y, title, text, look, right = '' }: BoxProps): JSX.Element {
  const { x, width: boxWidth } = columns[column];
  return (
    <g class={`box ${column} ${look}`} transform={`translate(${x} ${y - boxHeight / 2})`}>
      <rect width={boxWidth} height={boxHeight} rx="8" />
      <text x="14" y="19" class="title">
        {title}
      </text>
      <text x="14" y="35" class="text">
        {text}
      </text>
      <text x={boxWidth - 14} y="27" class="right">
        {right}
      </text>
    </g>
  );
}

function NodeBox({
  node,
  index,
  y,
}: {
  readonly node: NodeView | undefined;
  readonly index: number;
  readonly y: number;
}): JSX.Element | null {
  if (node === undefined) return null;
  const words = {
    owner: 'serving',
    ready: 'ready',
    out: 'maintenance',
    fault: 'not ready',
    gone: 'no answer',
  } as const;
  const rate = node.role === 'gone' ? '' : `${formatRate(node.requestRate)} req/s`;
  return (
    <BoxShape
      column="node"
      y={y}
      title={node.name}
      text={words[node.role]}
      look={`${node.role} node-${index}`}
      right={rate}
    />
  );
}

function BackendBox({
  backend,
  y,
}: {
  readonly backend: BackendView | undefined;
  readonly y: number;
}): JSX.Element | null {
  if (backend === undefined) return null;
  const taking = backend.servers.filter(({ server }) => takesTraffic(server)).length;
  const total = backend.servers.length;
  const rates = backend.servers.map((view) => view.requestRate).filter((rate) => rate !== undefined);
  const rate = rates.length === 0 ? undefined : rates.reduce((sum, one) => sum + one, 0);
  const look = taking === total ? 'all' : taking === 0 ? 'bad' : 'some';
  return (
    <BoxShape
      column="backend"
      y={y}
      title={backend.name}
      text={`${taking} of ${total} take traffic`}
      look={look}
      right={`${formatRate(rate)} req/s`}
    />
  );
}

function describe(nodes: readonly NodeView[], vips: readonly VipView[], backends: readonly BackendView[]): string {
  const owned = vips.map((vip) => `${vip.name} is at ${vip.owners.length === 0 ? 'nobody' : vip.owners.join(' and ')}`);
  const pools = backends.map((backend) => {
    const taking = backend.servers.filter(({ server }) => takesTraffic(server)).length;
    return `${backend.name}: ${taking} of ${backend.servers.length} servers take traffic`;
  });
  return [...owned, ...nodes.map((node) => `${node.name} ${node.why}`), ...pools].join('; ');
}
