import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../../platform/logger.ts';
import { FederationError } from '../federation-error.ts';
import type { Backlog } from './backlog.ts';
import type { OutboundMetrics } from './outbound-metrics.ts';
import type { Outbox } from './outbox.ts';
import type { Reachability } from './reachability.ts';
import type { SendParcel } from './send-parcel.ts';
import type { SendSlots } from './send-slots.ts';

/** https://spec.matrix.org/latest/server-server-api/#transactions */
const MAX_PDUS = 50;
const MAX_EDUS = 100;
/** What a server may ask us to wait at most. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/** How long a queue rests after the database, say, failed. */
const AFTER_FAULT_MS = 5_000;

export type DestinationDeps = {
  backlog: Backlog;
  outbox: Outbox;
  reachability: Reachability;
  /** Has the queue woken again when the server may be tried. */
  sleep: (destination: string) => void;
  sendParcel: SendParcel;
  slots: SendSlots;
  metrics: OutboundMetrics;
  logger: Logger;
};

/** Sends one server what waits for it, in order, one transaction at a time. */
export type DestinationQueue = {
  /** Something waits. */
  wake: () => void;
  isIdle: () => boolean;
  stop: () => Promise<void>;
};

export function createDestinationQueue(destination: string, deps: DestinationDeps): DestinationQueue {
  const { backlog, outbox, reachability, sleep, sendParcel, slots, metrics, logger } = deps;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let isWoken = false;

  async function run(): Promise<void> {
    while (isWoken && !stopping.signal.aborted) {
      isWoken = false;
      for (let mayGoOn = true; mayGoOn && !stopping.signal.aborted; ) {
        if (reachability.waitMs(destination) > 0) return sleep(destination);
        const kind = reachability.findFailure(destination) === undefined ? 'steady' : 'failing';
        mayGoOn = await slots.run(kind, sendNext);
      }
    }
  }

  /** Sends one transaction. Resolves with false when nothing waits. */
  async function sendNext(): Promise<boolean> {
    if (stopping.signal.aborted) return false;
    const [events, edus] = await Promise.all([backlog.take(destination, MAX_PDUS), outbox.take(destination, MAX_EDUS)]);
    if (events.pdus.length > 0 || edus.edus.length > 0) {
      const isTaken = await send({ pdus: events.pdus.map((pdu) => pdu.json), edus: edus.edus });
      if (!isTaken) return !stopping.signal.aborted;
    } else if (events.caughtUp.length === 0) return false;
    await backlog.acknowledge(destination, events);
    await outbox.acknowledge(destination, edus);
    return true;
  }

  async function send(load: Parameters<SendParcel>[1]): Promise<boolean> {
    const kind = reachability.findFailure(destination) === undefined ? 'steady' : 'failing';
    try {
      await sendParcel(destination, load, stopping.signal);
      reachability.succeeded(destination);
      metrics.sent(kind, 'taken');
      return true;
    } catch (error) {
      if (stopping.signal.aborted) return false;
      const retryAfterMs = retryAfterOf(error);
      if (retryAfterMs === undefined) reachability.failed(destination, error);
      else reachability.wasBusy(destination, retryAfterMs);
      outbox.giveBack(destination);
      metrics.sent(kind, 'failed');
      return false;
    }
  }

  function wake(): void {
    isWoken = true;
    if (running !== undefined || stopping.signal.aborted) return;
    running = run()
      .catch(async (error: unknown) => {
        logger.error({ destination, err: error }, 'the queue of a destination failed; it will be taken up again');
        isWoken = true;
        await delay(AFTER_FAULT_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      })
      .finally(() => {
        running = undefined;
        if (isWoken) wake();
      });
  }

  return {
    wake,
    isIdle: () => running === undefined,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** How long a server that is asked too much wants to be left alone; undefined when something else is wrong with it. */
function retryAfterOf(error: unknown): number | undefined {
  const asked = error instanceof FederationError && error.status === 429 ? error.body['retry_after_ms'] : undefined;
  return typeof asked === 'number' && asked > 0 ? Math.min(asked, MAX_RETRY_AFTER_MS) : undefined;
}
