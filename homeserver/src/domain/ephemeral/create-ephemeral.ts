import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/database.ts';
import type { AccountData } from '../accounts/account-data.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Interner } from '../rooms/interner.ts';
import { type Activity, createActivity } from '../streams/activity.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';
import { createAppendReceipts } from './append-receipts.ts';
import { createCoalescer } from './coalescer.ts';
import { createDelivered } from './delivered.ts';
import { createEphemeralForSync, type EphemeralForSync } from './for-sync.ts';
import { createPresence, type Presence } from './presence.ts';
import { createReceipts, type Receipts } from './receipts.ts';
import { createReceiveReceipts } from './receive-receipts.ts';
import { createTyping, type Typing } from './typing.ts';
import { createVolatile, type SendVolatileEdu } from './volatile.ts';

/** The receipts of one room are written together, at most once in so many milliseconds. */
const RECEIPTS_EVERY_MS = 100;
/** What was delivered may be told later: nobody waits for it. */
const DELIVERED_EVERY_MS = 250;

export type EphemeralDeps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  rooms: HotRooms;
  interner: Interner;
  clock: Clock;
  random: Random;
  logger: Logger;
  serverName: string;
  /** Whether another server understands what only servers of this kind tell each other. */
  isKindred: (serverName: string) => boolean;
  isPresenceEnabled: boolean;
  accountData: Pick<AccountData, 'find' | 'edit'>;
  sendVolatile: SendVolatileEdu;
};

/** What people do beside sending events: reading, typing, being there. */
export type Ephemeral = {
  receipts: Receipts;
  typing: Typing;
  presence: Presence;
  forSync: EphemeralForSync;
  /** The number of the last change of what lives in memory only. */
  volatileNow: () => number;
  /** Which users read something, by their numbers. */
  readers: Activity;
  /** Takes an EDU of another server. Types it does not know, and contents that are not right, are ignored. */
  receiveEdu: (origin: string, edu: { edu_type: string; content: unknown }) => Promise<void>;
  /** Writes what waits and ends all timers. */
  stop: () => Promise<void>;
};

export function createEphemeral(deps: EphemeralDeps): Ephemeral {
  const { log, random, logger } = deps;
  const volatile = createVolatile(random);
  const activity = createActivity(log.position());
  const readers = createActivity(log.position());
  const append = createAppendReceipts({ ...deps, activity, readers });
  const waitingReceipts = createCoalescer({ everyMs: RECEIPTS_EVERY_MS, isEager: true, write: append });
  const waitingDelivered = createCoalescer({ everyMs: DELIVERED_EVERY_MS, isEager: false, write: append });

  const receipts = createReceipts({ ...deps, receipts: waitingReceipts });
  const acknowledged = createDelivered({ ...deps, delivered: waitingDelivered });
  const receiveReceipts = createReceiveReceipts({ ...deps, receipts: waitingReceipts, delivered: waitingDelivered });
  const typing = createTyping({ ...deps, volatile });
  const report = (error: unknown) => logger.warn({ err: error }, 'a change of presence could not be told');
  const presence = createPresence({ ...deps, volatile, isEnabled: deps.isPresenceEnabled, report });

  const receivers: Record<string, (origin: string, content: JsonObject) => Promise<void>> = {
    'm.receipt': (origin, content) => receiveReceipts(origin, content, 'read'),
    'chat.blinkchat.delivered': (origin, content) => receiveReceipts(origin, content, 'delivered'),
    'm.typing': typing.receive,
    'm.presence': presence.receive,
  };

  return {
    receipts,
    typing,
    presence,
    readers,
    volatileNow: () => volatile.now().volatile,
    forSync: createEphemeralForSync({ ...deps, volatile, typing, presence, acknowledged, activity }),
    receiveEdu: async (origin, { edu_type: type, content }) => {
      const receive = Object.hasOwn(receivers, type) ? receivers[type] : undefined;
      if (receive !== undefined && isJsonObject(content)) await receive(origin, content);
    },
    stop: async () => {
      typing.stop();
      presence.stop();
      await Promise.all([waitingReceipts.drained(), waitingDelivered.drained()]);
    },
  };
}
