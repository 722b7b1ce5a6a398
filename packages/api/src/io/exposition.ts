// Writes metric families as Prometheus text through prom-client's registry. The figures come ready from the status
// of the node, so each scrape has its own registry and nothing is kept between two.
import { Registry, type Metric } from 'prom-client';
import type { MetricFamily } from '../core/metric-rows.ts';

/** Content type of the text. */
export const expositionType = Registry.PROMETHEUS_CONTENT_TYPE;

/** Makes the Prometheus text (format 0.0.4) of some families; each name may come once. */
export async function writeExposition(families: readonly MetricFamily[]): Promise<string> {
  const registry = new Registry();
  for (const family of families) registry.registerMetric(asMetric(family));
  return registry.metrics();
}

function asMetric(family: MetricFamily): Metric {
  const values = family.samples.map((sample) => ({
    labels: sample.labels,
    value: sample.value,
    metricName: family.name + (sample.suffix ?? ''),
  }));
  const metric = {
    name: family.name,
    help: family.help,
    type: family.type,
    aggregator: 'sum',
    get: () => Promise.resolve({ ...metric, values }),
  };
  // The registry asks a metric for its name and get() only; its own classes cannot be given a value that only grew
  // elsewhere (a histogram's buckets), so a plain object stands in.
  return metric as unknown as Metric;
}
