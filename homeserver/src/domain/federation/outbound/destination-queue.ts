import { setTimeout as delay } from 'node:timers/promises';
import { sendTransaction } from 'federation-spec/api/server/transactions.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Random } from '../../../platform/random.ts';
import type { Database } from '../../../storage/database.ts';
import { deleteOutbox, listOutbox } from '../../../storage/federation-outbox.ts';
import {
  clearDestinationFailure,
  deleteQueuedPdus,
  findDestinationFailure,
  listQueuedPdus,
  saveDestinationFailure,
  trimQueue,
} from '../../../storage/federation-queue.ts';
import type { FederationClient } from '../federation-client.ts';
import { FederationError } from '../federation-error.ts';
import { retryDelayMs } from './backoff.ts';
import type { EphemeralEdus } from './ephemeral-edus.ts';
import type { Slots } from './slots.ts';

/** https://spec.matrix.org/latest/server-server-api/#transactions */
const MAX_PDUS = 50;
const MAX_EDUS = 100;
const TRANSACTION_TIMEOUT_MS = 60_000;
const TXN_ID_BITS = 96;
/** How many events are kept for a server that is away; for what is older it must ask. */
const MAX_QUEUED_PDUS = 20_000;

export type DestinationDeps = {
  database: Database;
  client: FederationClient;
  clock: Clock;
  random: Random;
  logger: Logger;
  serverName: string;
  ephemeral: EphemeralEdus;
  /** Does the work when it is this destination's turn. */
  inTurn: Slots['run'];
};

/** Sends one server what waits for it, in order, one transaction at a time. */
export type DestinationQueue = {
  /** Something waits. */
  wake: () => void;
  /** The server has shown a sign of life: a wait after failures ends. */
  sawAlive: () => void;
  isIdle: () => boolean;
  stop: () => Promise<void>;
};

export function createDestinationQueue(destination: string, deps: DestinationDeps): DestinationQueue {
  const { database, client, clock, random, logger, serverName, ephemeral, inTurn } = deps;
  const { sql } = database;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let isWoken = false;
  let endWait: AbortController | undefined;

  async function run(): Promise<void> {
    while (isWoken && !stopping.signal.aborted) {
      isWoken = false;
      await waitForRetry();
      while (!stopping.signal.aborted && (await sendNext()));
    }
  }

  /** Sends one transaction. Returns false when nothing waits. */
  async function sendNext(): Promise<boolean> {
    const pdus = await listQueuedPdus(sql, destination, MAX_PDUS);
    const outbox = await listOutbox(sql, destination, MAX_EDUS);
    const passing = ephemeral.take(destination, MAX_EDUS - outbox.length);
    if (pdus.length + outbox.length + passing.length === 0) return false;

    const edus = [
      ...outbox.map((row) => ({ edu_type: row.eduType, content: readObject(row.content) })),
      ...passing.map((edu) => ({ edu_type: edu.eduType, content: edu.content })),
    ];
    const body = { origin: serverName, origin_server_ts: clock.now(), pdus: pdus.map((pdu) => readObject(pdu.json)), edus };
    await sendUntilTaken(random.text(TXN_ID_BITS), body);
    if (stopping.signal.aborted) return false;
    await deleteQueuedPdus(
      sql,
      destination,
      pdus.map((pdu) => pdu.eventNid),
    );
    await deleteOutbox(sql, outbox);
    return true;
  }

  /** Repeats the same transaction, under the same id, until the server has taken it. */
  async function sendUntilTaken(
    txnId: string,
    body: { origin: string; origin_server_ts: number; pdus: JsonObject[]; edus: { edu_type: string; content: JsonObject }[] },
  ) {
    while (!stopping.signal.aborted) {
      try {
        const options = { timeoutMs: TRANSACTION_TIMEOUT_MS, signal: stopping.signal };
        const answer = await inTurn(() => client.call(destination, sendTransaction, { params: { txnId }, body }, options));
        for (const [eventId, { error }] of Object.entries(answer.pdus)) {
          if (error !== undefined)
            logger.info({ destination, eventId, error: error.slice(0, 200) }, 'another server did not take an event');
        }
        await clearDestinationFailure(sql, destination);
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (isRefusal(error)) {
          logger.warn({ destination, err: error }, 'another server refuses a transaction; it is dropped');
          return;
        }
        await noteFailure(error);
        await waitForRetry();
      }
    }
  }

  async function noteFailure(error: unknown): Promise<void> {
    const earlier = await findDestinationFailure(sql, destination);
    const failures = (earlier?.failures ?? 0) + 1;
    const now = clock.now();
    const retryAt = now + retryDelayMs(failures, random);
    logger.info(
      { destination, failures, retryAt, reason: error instanceof Error ? error.message : String(error) },
      'another server cannot be reached',
    );
    await saveDestinationFailure(sql, destination, { failures, failingSince: earlier?.failingSince ?? now, retryAt });
    await trimQueue(sql, destination, MAX_QUEUED_PDUS);
    ephemeral.drop(destination);
  }

  async function waitForRetry(): Promise<void> {
    const failure = await findDestinationFailure(sql, destination);
    const waitMs = (failure?.retryAt ?? 0) - clock.now();
    if (waitMs <= 0 || stopping.signal.aborted) return;
    endWait = new AbortController();
    await delay(waitMs, undefined, { signal: AbortSignal.any([endWait.signal, stopping.signal]) }).catch(() => undefined);
    endWait = undefined;
  }

  function wake(): void {
    isWoken = true;
    if (running !== undefined || stopping.signal.aborted) return;
    running = run()
      .catch((error: unknown) => logger.error({ destination, err: error }, 'the queue of a destination failed'))
      .finally(() => {
        running = undefined;
        if (isWoken) wake();
      });
  }

  return {
    wake,
    sawAlive: () => endWait?.abort(),
    isIdle: () => running === undefined,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** The server understood the transaction and will never take it; sending it again would only hold up what follows. */
function isRefusal(error: unknown): boolean {
  return error instanceof FederationError && (error.status === 400 || error.status === 413) && error.errcode !== undefined;
}

function readObject(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  if (!isJsonObject(value)) throw new Error('what waits for another server is no JSON object');
  return value;
}
