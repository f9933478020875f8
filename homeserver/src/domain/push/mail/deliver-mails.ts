import { unsubscribe } from 'federation-spec/api/client/missed-mails.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Mailer } from '../../../platform/mailer.ts';
import type { Database } from '../../../storage/database.ts';
import {
  deleteMailPushersWithoutAddress,
  hasMailPushers,
  listDueMailPushers,
  type MailPusher,
  updateMailPause,
} from '../../../storage/mail-pushers.ts';
import { deleteQueuedPushes, listQueuedPushes } from '../../../storage/pushers.ts';
import type { ListMissed } from './list-missed.ts';
import { missedMail } from './missed-mail.ts';

/** How often it is looked for whom to write to, and to how many at once. */
const CHECK_EVERY_MS = 5_000;
const MAX_PER_CHECK = 20;
/** Who has not read something for so long is written to. */
const DELAY_MS = 600_000;
/** How long the next mail waits at least; twice as long after each that brings its reader not back, and a day at most. */
const MIN_PAUSE_MS = 3_600_000;
const MAX_PAUSE_MS = 86_400_000;
/** Notifications that one mail sums up. */
const MAX_SUMMED_UP = 500;
/** A mail that could not be sent is tried again after so long. */
const RETRY_MS = 300_000;

type Deps = {
  database: Database;
  clock: Clock;
  logger: Logger;
  mailer: Mailer;
  listMissed: ListMissed;
  serverName: string;
  publicUrl: string;
  forget: (userNid: number) => void;
};

/**
 * Writes to people about what they did not read: some minutes after it was said, all of it together, and more and more seldom while they
 * stay away. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3pushersset, pushers of the kind `email`
 */
export function createDeliverMails(deps: Deps) {
  const { database, clock, logger, mailer, listMissed, serverName, publicUrl, forget } = deps;
  const { sql, lazySql } = database;
  /** Nobody is to be written to until somebody wants it. */
  let mayBeWanted = true;
  let isStopping = false;
  let running: Promise<void> = Promise.resolve();

  async function write(pusher: MailPusher): Promise<void> {
    const { pusherId, userNid, address: to, unsubscribeToken } = pusher;
    const queued = await listQueuedPushes(sql, pusherId, MAX_SUMMED_UP);
    const last = queued.at(-1);
    if (last === undefined) return;
    const rooms = await listMissed(userNid, queued);
    const now = clock.now();
    if (rooms.length === 0) {
      await updateMailPause(sql, { pusherId, pauseMs: MIN_PAUSE_MS });
    } else {
      const unsubscribeUrl = `${publicUrl.replace(/\/$/, '')}${unsubscribe.path}?token=${unsubscribeToken}`;
      try {
        await mailer.send(missedMail({ to, rooms, serverName, publicUrl, unsubscribeUrl }));
      } catch (error) {
        logger.warn({ err: error }, `a mail about missed messages could not be handed to ${mailer.description}`);
        return await updateMailPause(sql, { pusherId, sentAt: now, pauseMs: RETRY_MS });
      }
      const pauseMs = Math.min(Math.max(pusher.pauseMs * 2, MIN_PAUSE_MS), MAX_PAUSE_MS);
      await updateMailPause(sql, { pusherId, sentAt: now, pauseMs });
    }
    await deleteQueuedPushes(lazySql, pusherId, last.position);
  }

  async function check(): Promise<void> {
    for (const userNid of await deleteMailPushersWithoutAddress(sql)) forget(userNid);
    mayBeWanted = await hasMailPushers(sql);
    const now = clock.now();
    for (const pusher of await listDueMailPushers(sql, { queuedBefore: now - DELAY_MS, now, limit: MAX_PER_CHECK })) {
      if (isStopping) return;
      await write(pusher);
    }
  }

  let isChecking = false;
  const timer = setInterval(() => {
    if (!mayBeWanted || isChecking) return;
    isChecking = true;
    running = check()
      .catch((error: unknown) => logger.error({ err: error }, 'it could not be told by mail what was missed'))
      .finally(() => {
        isChecking = false;
      });
  }, CHECK_EVERY_MS).unref();

  return {
    /** Somebody wants to be written to. */
    wanted: () => {
      mayBeWanted = true;
    },
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      await running;
      mailer.close();
    },
  };
}
