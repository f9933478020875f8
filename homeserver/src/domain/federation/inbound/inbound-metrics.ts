import type { Metrics } from '../../../platform/metrics.ts';

/** How many reasons are told apart; what is refused in still other words counts as another. */
const MAX_REASONS = 50;
const MAX_REASON_LENGTH = 80;

/** What an operator sees of the events that other servers send. */
export type InboundMetrics = {
  received: (outcome: 'accepted' | 'known' | 'rejected' | 'soft_failed' | 'dropped', reason?: string) => void;
};

export function createInboundMetrics(metrics: Metrics, countStaged: () => Promise<number>): InboundMetrics {
  const events = metrics.counter('federation_in_events_total', 'Events received from other servers, and why some were refused', [
    'outcome',
    'reason',
  ]);
  metrics.gauge('federation_in_staged_events', 'Received events that are still to be processed', [], async (gauge) => {
    gauge.set(await countStaged());
  });
  const reasons = new Set<string>();

  /** Without the identifiers in it, which are without number. */
  function classOf(reason: string | undefined): string {
    if (reason === undefined) return '';
    const words = reason.replaceAll(/[@!$#][^\s,]+|[\w.-]+:\d+|\d+/g, '…').slice(0, MAX_REASON_LENGTH);
    if (!reasons.has(words) && reasons.size >= MAX_REASONS) return 'another';
    reasons.add(words);
    return words;
  }

  return { received: (outcome, reason) => events.inc({ outcome, reason: classOf(reason) }) };
}
