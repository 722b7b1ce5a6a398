// Requests and errors a second of both nodes, drawn by uPlot; the same in one sentence for those who do not see it.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { HistorySample } from '@tospann/api/contract';
import { formatRate } from '../core/format.ts';
import { describeSeries, seriesOf, type Series } from '../core/series.ts';
import { pair, samples } from '../live/store.ts';
import { theme } from '../live/theme.ts';

export function Charts({ nodes }: { readonly nodes: readonly string[] }): JSX.Element {
  return (
    <section class="charts" aria-label="Charts">
      <Chart title="Requests/s" nodes={nodes} pick={requests} />
      <Chart title="Errors/s" subtitle="answers 5xx" nodes={nodes} pick={errors} />
    </section>
  );
}

interface ChartProps {
  readonly title: string;
  readonly subtitle?: string;
  readonly nodes: readonly string[];
  readonly pick: (sample: HistorySample) => number;
}

function requests(sample: HistorySample): number {
  return sample.requests;
}

function errors(sample: HistorySample): number {
  return sample.errors;
}

const chartHeight = 150;

function Chart({ title, subtitle, nodes, pick }: ChartProps): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const endSecond = Math.floor((pair.value?.self.timeMs ?? 0) / 1000);
  const series = seriesOf(samples.value, endSecond, pick);
  const names = nodes.join(' ');
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const made = new uPlot(optionsOf(element, nodes), dataOf(series, nodes), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: chartHeight }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
    // The colours come from the style sheet, so another theme is another plot; figures are put in below.
  }, [names, theme.value]);
  useEffect(() => plot.current?.setData(dataOf(series, nodes)), [endSecond, samples.value, names, theme.value]);
  return (
    <figure class="card chart">
      <figcaption>
        <h2>{title}</h2> <span class="soft">{subtitle}</span>
        <Legend series={series} nodes={nodes} />
      </figcaption>
      <div ref={holder} class="plot" aria-hidden="true" />
      <p class="unseen">{describeSeries(title, series, formatRate)}</p>
    </figure>
  );
}

function Legend({ series, nodes }: { readonly series: Series; readonly nodes: readonly string[] }): JSX.Element {
  return (
    <ul class="legend">
      {nodes.map((node, index) => (
        <li key={node}>
          <span class={`swatch line-${index}`} aria-hidden="true" />
          {node} <b>{formatRate(newest(series, node))}</b>
        </li>
      ))}
    </ul>
  );
}

function newest(series: Series, node: string): number | undefined {
  return (
    series.values
      .get(node)
      ?.slice(-4)
      .findLast((value) => value !== null) ?? undefined
  );
}

function dataOf(series: Series, nodes: readonly string[]): uPlot.AlignedData {
  const empty = series.seconds.map(() => null);
  return [[...series.seconds], ...nodes.map((node) => [...(series.values.get(node) ?? empty)])];
}

function optionsOf(element: HTMLElement, nodes: readonly string[]): uPlot.Options {
  const soft = colourOf(element, '--soft');
  const grid = { stroke: colourOf(element, '--line'), width: 1 };
  const font = '11px system-ui, sans-serif';
  const axis = { stroke: soft, grid, ticks: { show: false }, font };
  return {
    width: Math.max(200, element.clientWidth),
    height: chartHeight,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, sync: { key: 'tospann' }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.15)] } },
    axes: [
      { ...axis, size: 24, gap: 6, space: 70, values: (_plot, ticks) => ticks.map(clock) },
      { ...axis, size: 46, gap: 6, space: 28, values: (_plot, ticks) => ticks.map((tick) => formatRate(tick)) },
    ],
    series: [
      {},
      ...nodes.map((node, index) => {
        const stroke = colourOf(element, `--node-${index}`);
        // The second node is dashed as well: colour alone must not tell them apart.
        const dash = index === 0 ? {} : { dash: [5, 3] };
        return { label: node, stroke, width: 2, points: { show: false }, ...dash };
      }),
    ],
  };
}

/** Resolves a custom property: light-dark() has its colour only on an element. */
function colourOf(element: HTMLElement, property: string): string {
  const before = element.style.color;
  element.style.color = `var(${property})`;
  const { color } = getComputedStyle(element);
  element.style.color = before;
  return color;
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, 8);
}
