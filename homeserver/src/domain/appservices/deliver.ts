import { setTimeout as delay } from 'node:timers/promises';
import { sendTransaction } from 'federation-spec/api/appservice/transactions.ts';
import type { Logger } from '../../platform/logger.ts';
import { type AppserviceRow, clearAppserviceTransaction, saveToldPosition, storeAppserviceTransaction } from '../../storage/appservices.ts';
import { type Database, inTransaction } from '../../storage/database.ts';
import type { Appservice } from './appservice.ts';
import type { CallAppservice } from './appservice-client.ts';
import type { BuildTransaction } from './build-transaction.ts';
import type { DirtyMarks } from './dirty.ts';

const TRANSACTION_TIMEOUT_MS = 60_000;
/** How long a service that does not answer is left alone, at first and at most. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** While there is nothing to send, it is written down so rarely how far the log was looked through: what is looked through again is told once. */
const SAVE_TOLD_EVERY = 1_000;

/** Sends one service its transactions. */
export type Delivery = {
  /** There may be something to send. */
  wake: () => void;
  /** The service has shown signs of life: it is tried again at once. */
  retry: () => void;
  stop: () => Promise<void>;
};

type Deps = {
  database: Database;
  call: CallAppservice;
  buildTransaction: BuildTransaction;
  /** Up to where the log has been read for the services. */
  followed: () => number;
  /** Up to where it is written. */
  position: () => number;
  volatileNow: () => number;
  logger: Logger;
};

/**
 * One transaction after the other, each sent as it was first made until the service acknowledges it:
 *
 * 1. what was under way is sent;
 * 2. what waits is put together, and stored as the transaction under way in the same commit that takes it out of the queues.
 *
 * https://spec.matrix.org/latest/application-service-api/#pushing-events
 */
export function createDelivery(deps: Deps, appservice: Appservice, row: AppserviceRow, dirtyMarks: DirtyMarks): Delivery {
  const { database, call, buildTransaction, followed, position, volatileNow, logger } = deps;
  const { appserviceNid } = row;
  const stopping = new AbortController();
  let { lastTxn, pending } = row;
  let told = { position: row.toldPosition, volatile: volatileNow() };
  let savedTold = row.toldPosition;
  /** Up to where the log must have been followed before it is judged whom typing and presence concern: a join may have come just before. */
  let volatileDueAt: number | undefined;
  let isWoken = true;
  let running: Promise<void> | undefined;
  let resting: AbortController | undefined;

  async function send(body: string): Promise<boolean> {
    try {
      const request = { params: { txnId: String(lastTxn) }, body, timeoutMs: TRANSACTION_TIMEOUT_MS, signal: stopping.signal };
      const { status } = await call(appservice, sendTransaction, request);
      if (status >= 200 && status < 300) return true;
      logger.warn({ appservice: appservice.id, txn: lastTxn, status }, 'an application service did not take its transaction');
    } catch (error) {
      if (!stopping.signal.aborted)
        logger.warn({ err: error, appservice: appservice.id, txn: lastTxn }, 'an application service could not be reached');
    }
    return false;
  }

  /** 1. */
  async function sendUntilTaken(body: string): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; !(await send(body)); retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)) {
      if (stopping.signal.aborted) return;
      resting = new AbortController();
      const signal = AbortSignal.any([stopping.signal, resting.signal]);
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
      resting = undefined;
      if (stopping.signal.aborted) return;
    }
    await clearAppserviceTransaction(database.lazySql, appserviceNid); // when this is lost the service is sent the same again, and knows it by its number
    pending = null;
  }

  /** 2. */
  async function makeNext(): Promise<void> {
    isWoken = false;
    const dirty = dirtyMarks.take();
    if (volatileNow() !== told.volatile) volatileDueAt ??= position();
    const withVolatile = volatileDueAt !== undefined && followed() >= volatileDueAt;
    try {
      const built = await buildTransaction(appservice, { appserviceNid, told, upTo: followed(), withVolatile, dirty });
      if (built.isEmpty) {
        if (built.toldPosition - savedTold >= SAVE_TOLD_EVERY) {
          await saveToldPosition(database.lazySql, appserviceNid, built.toldPosition);
          savedTold = built.toldPosition;
        }
      } else {
        const txn = lastTxn + 1;
        await inTransaction(database, (sql) => storeAppserviceTransaction(sql, { ...built, appserviceNid, txn }));
        lastTxn = txn;
        savedTold = built.toldPosition;
        pending = built.body;
        isWoken = true; // there may be more than fits
      }
      told = built.told;
      if (withVolatile) volatileDueAt = undefined;
      if (built.isMoreWaiting) dirtyMarks.putBack({ ...dirty, devices: [] });
    } catch (error) {
      dirtyMarks.putBack(dirty);
      throw error;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted && (pending !== null || isWoken)) {
      try {
        if (pending !== null) await sendUntilTaken(pending);
        else await makeNext();
      } catch (error) {
        if (stopping.signal.aborted) return;
        isWoken = true;
        logger.error({ err: error, appservice: appservice.id }, 'a transaction could not be put together; it will be tried again');
        await delay(FIRST_RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  function start(): void {
    if (running !== undefined || stopping.signal.aborted) return;
    running = run().finally(() => {
      running = undefined;
      if (isWoken) start();
    });
  }

  return {
    wake: () => {
      isWoken = true;
      start();
    },
    retry: () => resting?.abort(),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
