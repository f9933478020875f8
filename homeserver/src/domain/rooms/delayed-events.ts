import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import {
  errorBody,
  forbidden,
  invalidParam,
  limitExceeded,
  MatrixError,
  matrixError,
  notFound,
  tooLarge,
  userDeactivated,
  userSuspended,
} from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Sql } from '../../storage/database.ts';
import {
  countDelayedEvents,
  type DelayedEventRow,
  type DelayedFilter,
  finaliseDelayedEvent,
  findDelayedEvent,
  findDelayedTransaction,
  insertDelayedEvent,
  listDelayedEvents,
  restartDelayedEvent,
} from '../../storage/delayed-events.ts';
import { createDelayedTimer } from './delayed-timer.ts';
import { DELAYED_DEVICE, DELAYED_PATH } from './delayed-transaction.ts';
import { MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Transaction } from './prepare-event.ts';
import type { SendEvent } from './send-event.ts';
import type { SetState } from './set-state.ts';
import { createTurns, type Turns } from './turns.ts';

/** Whoever knows a delay id commands its event: nobody guesses one. */
const DELAY_ID_BITS = 192;
/** The most events of one person that may wait. */
const MAX_SCHEDULED = 100;
/** As large as an event may be. */
const MAX_CONTENT_BYTES = 65_536;
const PAGE = 100;

export type DelayedAction = 'send' | 'cancel' | 'restart';
export type DelayedEvent = {
  delayId: string;
  roomId: string;
  type: string;
  stateKey: string | undefined;
  content: JsonObject;
  /** Milliseconds. */
  delay: number;
  runningSince: number;
  finalisedAt: number | undefined;
  eventId: string | undefined;
  error: JsonObject | undefined;
};

export type ScheduleRequest = {
  userNid: number;
  roomId: string;
  type: string;
  stateKey?: string | undefined;
  content: JsonObject;
  delay: number;
  transaction?: Transaction | undefined;
  originServerTs?: number | undefined;
  /** For how many milliseconds everybody in the room is brought it, once it is sent. */
  stickyMs?: number | undefined;
};

/** https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export type DelayedEvents = {
  /** Keeps an event to be sent later; resolves with its delay id once it is stored. Throws M_MAX_DELAY_EXCEEDED, M_LIMIT_EXCEEDED, M_FORBIDDEN. */
  schedule: (request: ScheduleRequest) => Promise<string>;
  /** Throws M_NOT_FOUND, M_UNKNOWN (409) when it has ended otherwise, and for `send` what sending throws: it then goes on waiting. */
  act: (delayId: string, action: DelayedAction) => Promise<void>;
  /** Throws M_NOT_FOUND for an event that is not the user's. */
  load: (userNid: number, delayId: string) => Promise<DelayedEvent>;
  list: (userNid: number, filter: DelayedFilter) => Promise<{ events: DelayedEvent[]; isMore: boolean }>;
  /** How long an event may wait, and how many of one person. */
  limits: { max_delay_ms: number; max_scheduled: number };
  /** Begins to send what is due. */
  start: () => void;
  stop: () => Promise<void>;
};

type Deps = {
  sql: Sql;
  rooms: HotRooms;
  sendEvent: SendEvent;
  setState: SetState;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** The longest an event may wait. */
  maxDelayMs: number;
};

/** Events that are sent later: stored at once, sent when their time has come, also after a restart; who may send them is asked then. */
export function createDelayedEvents({ sql, rooms, sendEvent, setState, clock, random, logger, maxDelayMs }: Deps): DelayedEvents {
  /** What happens to one event happens in turn. */
  const turns = new Map<string, Turns>();
  const timer = createDelayedTimer({ sql, clock, logger, settle: (delayId) => inTurn(delayId, () => settle(delayId)) });

  async function inTurn<Result>(delayId: string, work: () => Promise<Result>): Promise<Result> {
    const own = turns.get(delayId) ?? createTurns();
    turns.set(delayId, own);
    try {
      return await own.take(work);
    } finally {
      if (own.isIdle()) turns.delete(delayId);
    }
  }

  function checkDelay(delay: number): void {
    if (!Number.isSafeInteger(delay) || delay < 1) throw invalidParam('The delay must be a number of milliseconds, and more than none.');
    if (delay <= maxDelayMs) return;
    // Clients in use know this code, and try again with the delay that they are told.
    throw matrixError(400, 'M_UNKNOWN', `Events may be delayed by ${maxDelayMs} ms at most.`, {
      'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
      'org.matrix.msc4140.max_delay': maxDelayMs,
    });
  }

  /** Sends it as if it had been asked for now. A message that was sent before a crash is not sent again. */
  async function send(row: DelayedEventRow): Promise<string> {
    const { roomId, type, stateKey, userId, userNid, delayId, accountStatus } = row;
    if (accountStatus === 'suspended') throw userSuspended();
    if (accountStatus === 'deactivated') throw userDeactivated();
    const content: JsonObject = JSON.parse(row.content);
    const time = {
      ...(row.originServerTs === null ? {} : { originServerTs: row.originServerTs }),
      ...(row.stickyMs === null ? {} : { stickyMs: row.stickyMs }),
    };
    if (stateKey !== null && (type === MEMBER || type === 'm.room.canonical_alias'))
      return await setState({ userId, userNid }, { roomId, type, stateKey, content, ...time });
    const { redacts } = content;
    return await sendEvent({
      roomId,
      sender: userId,
      senderNid: userNid,
      type,
      content,
      transaction: { deviceId: DELAYED_DEVICE, txnPath: `${DELAYED_PATH}${delayId}` },
      ...(stateKey === null ? {} : { stateKey }),
      ...(type === 'm.room.redaction' && typeof redacts === 'string' ? { redacts } : {}),
      ...time,
    });
  }

  /** Its time has come. What refuses it now ends it. */
  async function settle(delayId: string): Promise<void> {
    const row = await findDelayedEvent(sql, delayId);
    if (row === undefined || row.finalisedAt !== null || row.runningSince + row.delay > clock.now()) return;
    try {
      const eventId = await send(row);
      await finaliseDelayedEvent(sql, delayId, { at: clock.now(), eventId });
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      await finaliseDelayedEvent(sql, delayId, { at: clock.now(), error: JSON.stringify(errorBody(error)) });
    }
  }

  async function act(delayId: string, action: DelayedAction): Promise<void> {
    const row = await findDelayedEvent(sql, delayId);
    if (row === undefined) throw notFound('There is no delayed event of that id.');
    if (row.finalisedAt !== null) {
      const outcome: DelayedAction = row.eventId === null ? 'cancel' : 'send';
      if (action === outcome) return;
      throw matrixError(409, 'M_UNKNOWN', outcome === 'send' ? 'The event has been sent already.' : 'The event has been cancelled.');
    }
    const now = clock.now();
    if (action === 'restart') await restartDelayedEvent(sql, delayId, now);
    else if (action === 'cancel') await finaliseDelayedEvent(sql, delayId, { at: now });
    else await finaliseDelayedEvent(sql, delayId, { at: now, eventId: await send(row) });
  }

  return {
    schedule: async ({ userNid, roomId, type, stateKey, content, delay, transaction, originServerTs, stickyMs }) => {
      checkDelay(delay);
      const text = JSON.stringify(content);
      if (Buffer.byteLength(text) > MAX_CONTENT_BYTES) throw tooLarge('The event is too large.');
      if ((await rooms.load(roomId)) === undefined) throw forbidden(`You are not in the room ${roomId}.`);
      const place = {
        deviceId: transaction?.deviceId ?? null,
        txnPath: transaction === undefined ? null : `${roomId}/${transaction.txnPath}`,
      };
      const earlier = transaction === undefined ? undefined : await findDelayedTransaction(sql, { userNid, ...place });
      if (earlier !== undefined) return earlier;
      const now = clock.now();
      const { count, nextAt } = await countDelayedEvents(sql, userNid);
      if (count >= MAX_SCHEDULED) throw limitExceeded(Math.max(1, nextAt - now));
      const delayId = await insertDelayedEvent(sql, {
        delayId: random.text(DELAY_ID_BITS),
        userNid,
        roomId,
        type,
        stateKey: stateKey ?? null,
        content: text,
        originServerTs: originServerTs ?? null,
        stickyMs: stickyMs ?? null,
        delay,
        runningSince: now,
        ...place,
      });
      timer.expect(now + delay);
      return delayId;
    },
    act: (delayId, action) => inTurn(delayId, () => act(delayId, action)),
    load: async (userNid, delayId) => {
      const row = await findDelayedEvent(sql, delayId);
      if (row === undefined || row.userNid !== userNid) throw notFound('You have no delayed event of that id.');
      return toDelayedEvent(row);
    },
    list: async (userNid, filter) => {
      const rows = await listDelayedEvents(sql, userNid, filter, PAGE + 1);
      return { events: rows.slice(0, PAGE).map(toDelayedEvent), isMore: rows.length > PAGE };
    },
    limits: { max_delay_ms: maxDelayMs, max_scheduled: MAX_SCHEDULED },
    start: timer.start,
    stop: timer.stop,
  };
}

function toDelayedEvent(row: DelayedEventRow): DelayedEvent {
  return {
    delayId: row.delayId,
    roomId: row.roomId,
    type: row.type,
    stateKey: row.stateKey ?? undefined,
    content: JSON.parse(row.content),
    delay: row.delay,
    runningSince: row.runningSince,
    finalisedAt: row.finalisedAt ?? undefined,
    eventId: row.eventId ?? undefined,
    error: row.error === null ? undefined : JSON.parse(row.error),
  };
}
