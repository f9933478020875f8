import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Where counters and histograms are registered; one per homeserver, so that two in one process do not mix. */
export type Metrics = {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  /** `collect` is called for every reading, for values that somebody else keeps. */
  gauge(name: string, help: string, labels?: readonly string[], collect?: (gauge: Gauge) => void | Promise<void>): Gauge;
  histogram(name: string, help: string, options: { labels?: readonly string[]; buckets: readonly number[] }): Histogram;
  /** Adds what the process itself uses: CPU, memory, event-loop delay. */
  collectProcess(): void;
  /** All values in Prometheus' text format. */
  text(): Promise<string>;
  contentType: string;
};

/** An empty registry. Names are given without the `blinkchat_` prefix. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const common = (name: string, help: string, labels: readonly string[]) => ({
    name: `blinkchat_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter: (name, help, labels = []) => new Counter(common(name, help, labels)),
    gauge: (name, help, labels = [], collect) => {
      const onReading = collect === undefined ? {} : { collect: () => collect(gauge) };
      const gauge: Gauge = new Gauge({ ...common(name, help, labels), ...onReading });
      return gauge;
    },
    histogram: (name, help, { labels = [], buckets }) => new Histogram({ ...common(name, help, labels), buckets: [...buckets] }),
    collectProcess: () => collectDefaultMetrics({ register: registry }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
