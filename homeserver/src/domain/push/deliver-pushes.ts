import type { JsonObject } from 'federation-spec/events/event.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import {
  deletePusherById,
  deleteQueuedPushes,
  listDuePushers,
  listPushersOfUsers,
  listQueuedPushes,
  type PusherRow,
  type QueuedPush,
} from '../../storage/pushers.ts';
import type { BuildPush } from './build-push.ts';
import { dataOf } from './pushers.ts';

/** How long a gateway that fails is left alone, at first and at most; each failure doubles it. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 3_600_000;
/** What could not be pushed for so long is not worth pushing any more. */
const MAX_AGE_MS = 86_400_000;
/** Gateways asked at the same time. */
const MAX_CONCURRENT = 10;
/** Notifications read at once for one pusher. */
const PAGE = 20;
/** After somebody reads, their other devices are told so much later how much is left: reading goes on for a while. */
const COUNTS_AFTER_MS = 1_500;

/** Posts JSON to an address that a user gave; gives the status and the body. The address is checked by whoever makes it. */
export type PostJson = (url: string, body: JsonObject, signal: AbortSignal) => Promise<{ status: number; body: unknown }>;

type Deps = {
  database: Database;
  clock: Clock;
  logger: Logger;
  buildPush: BuildPush;
  postJson: PostJson;
  forget: (userNid: number) => void;
};
type Trouble = { retryAt: number; delayMs: number };

/**
 * Sends what waits to the push gateways: of each pusher in order, one after the other. A gateway that fails is tried again later and later;
 * what it rejects is removed. https://spec.matrix.org/latest/push-gateway-api/
 */
export function createDeliverPushes({ database, clock, logger, buildPush, postJson, forget }: Deps) {
  const troubles = new Map<number, Trouble>();
  const busy = new Set<number>();
  const stopping = new AbortController();
  const working = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  async function deliver(pusher: PusherRow): Promise<void> {
    for (;;) {
      const queued = await listQueuedPushes(database.sql, pusher.pusherId, PAGE);
      if (queued.length === 0) return;
      for (const push of queued) {
        if (stopping.signal.aborted || !(await send(pusher, push))) return;
        await deleteQueuedPushes(database.lazySql, pusher.pusherId, push.position);
      }
    }
  }

  /** False when the pusher is gone, or has to be tried again later. */
  async function send(pusher: PusherRow, push: QueuedPush): Promise<boolean> {
    if (clock.now() - push.queuedAt > MAX_AGE_MS) return true;
    const notification = await buildPush.ofEvent(pusher, push);
    if (notification === undefined) return true;
    try {
      const { status, body } = await postJson(String(dataOf(pusher)['url']), notification, stopping.signal);
      if (status < 200 || status > 299) throw new Error(`the push gateway answered with status ${status}`);
      troubles.delete(pusher.pusherId);
      toldCounts.delete(pusher.pusherId);
      if (!isRejected(body, pusher.pushkey)) return true;
      await deletePusherById(database.sql, pusher.pusherId);
      forget(pusher.userNid);
      return false;
    } catch (error) {
      if (stopping.signal.aborted) return false;
      const delayMs = Math.min((troubles.get(pusher.pusherId)?.delayMs ?? FIRST_RETRY_MS / 2) * 2, MAX_RETRY_MS);
      troubles.set(pusher.pusherId, { retryAt: clock.now() + delayMs, delayMs });
      const reason = error instanceof Error ? error.message : String(error);
      logger.info({ reason, appId: pusher.appId, delayMs }, 'a push gateway could not be reached; it is tried again later');
      return false;
    }
  }

  /** Who read something, until their devices are told. */
  const readers = new Set<number>();
  const toldCounts = new Map<number, number>();
  let countsTimer: NodeJS.Timeout | undefined;

  /** A count is told once: one that is lost is made good by the next. */
  async function tellCounts(): Promise<void> {
    countsTimer = undefined;
    const userNids = [...readers];
    readers.clear();
    for (const pusher of await listPushersOfUsers(database.sql, userNids)) {
      if (!pusher.isEnabled || pusher.kind !== 'http') continue;
      const unread = await buildPush.countAll(pusher.userNid);
      if (toldCounts.get(pusher.pusherId) === unread || stopping.signal.aborted) continue;
      toldCounts.set(pusher.pusherId, unread);
      const url = String(dataOf(pusher)['url']);
      await postJson(url, buildPush.ofCounts(pusher, unread), stopping.signal).catch((error: unknown) =>
        logger.info({ err: error, appId: pusher.appId }, 'a push gateway could not be told how much is unread'),
      );
    }
  }

  async function runDue(): Promise<void> {
    const now = clock.now();
    const due = (await listDuePushers(database.sql)).filter(({ pusherId }) => !busy.has(pusherId));
    const ready = due.filter(({ pusherId }) => (troubles.get(pusherId)?.retryAt ?? 0) <= now);
    for (const pusher of ready.slice(0, Math.max(0, MAX_CONCURRENT - busy.size))) {
      busy.add(pusher.pusherId);
      track(
        deliver(pusher).finally(() => {
          busy.delete(pusher.pusherId);
          wake();
        }),
      );
    }
    const waits = due.filter((pusher) => !ready.includes(pusher)).map(({ pusherId }) => (troubles.get(pusherId)?.retryAt ?? now) - now);
    if (waits.length > 0) wake(Math.max(Math.min(...waits), FIRST_RETRY_MS / 4));
  }

  function track(work: Promise<void>): void {
    const handled = work.catch((error: unknown) => logger.error({ err: error }, 'notifications could not be pushed'));
    working.add(handled);
    void handled.finally(() => working.delete(handled));
  }

  /** Looks soon, or after a while, for what waits. A sooner look replaces a later one. */
  let wakeAt = Number.POSITIVE_INFINITY;
  function wake(delayMs = 0): void {
    const at = performance.now() + delayMs;
    if (stopping.signal.aborted || at >= wakeAt) return;
    clearTimeout(timer);
    wakeAt = at;
    timer = setTimeout(() => {
      wakeAt = Number.POSITIVE_INFINITY;
      track(runDue());
    }, delayMs);
  }

  return {
    wake: () => wake(),
    /** A user read something: their devices show a count that is too high. */
    hasRead: (userNid: number) => {
      readers.add(userNid);
      if (!stopping.signal.aborted) countsTimer ??= setTimeout(() => track(tellCounts()), COUNTS_AFTER_MS);
    },
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      clearTimeout(countsTimer);
      await Promise.all(working);
    },
  };
}

function isRejected(body: unknown, pushkey: string): boolean {
  return isJsonObject(body) && Array.isArray(body['rejected']) && body['rejected'].includes(pushkey);
}
