import type { Metrics } from '../../../platform/metrics.ts';
import type { SendClass } from './send-slots.ts';

/** What an operator sees of the traffic to other servers. */
export type OutboundMetrics = {
  sent: (kind: SendClass, result: 'taken' | 'failed') => void;
};

type Sources = {
  eventsInMemory: () => number;
  eventsOnDisk: () => number;
  /** What waits on disk beside events, by kind. */
  edus: () => Promise<readonly { eduType: string; rows: number; bytes: number }[]>;
  destinations: () => number;
  slow: () => number;
  failing: () => number;
  /** How many positions of the log are still to be looked at. */
  lag: () => number;
};

export function createOutboundMetrics(metrics: Metrics, sources: Sources): OutboundMetrics {
  const transactions = metrics.counter('federation_out_transactions_total', 'Transactions sent to other servers', ['class', 'result']);
  metrics.gauge('federation_out_waiting_events', 'Events that wait for other servers, once per server', ['place'], (gauge) => {
    gauge.set({ place: 'memory' }, sources.eventsInMemory());
    gauge.set({ place: 'disk' }, sources.eventsOnDisk());
  });
  metrics.gauge(
    'federation_out_waiting_edus',
    'What waits on disk for other servers beside events, once per server',
    ['type'],
    async (gauge) => {
      gauge.reset();
      for (const { eduType, rows } of await sources.edus()) gauge.set({ type: eduType }, rows);
    },
  );
  metrics.gauge('federation_out_waiting_edu_bytes', 'How much of the disk these take', ['type'], async (gauge) => {
    gauge.reset();
    for (const { eduType, bytes } of await sources.edus()) gauge.set({ type: eduType }, bytes);
  });
  metrics.gauge('federation_out_destinations', 'Servers to which a queue is kept', ['class'], (gauge) => {
    gauge.set({ class: 'all' }, sources.destinations());
    gauge.set({ class: 'slow' }, sources.slow());
    gauge.set({ class: 'failing' }, sources.failing());
  });
  metrics.gauge('federation_out_lag_positions', 'Positions of the log not yet looked at for other servers', [], (gauge) =>
    gauge.set(sources.lag()),
  );
  return { sent: (kind, result) => transactions.inc({ class: kind, result }) };
}
