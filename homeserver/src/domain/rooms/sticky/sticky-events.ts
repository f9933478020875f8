import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Database, Sql } from '../../../storage/database.ts';
import { insertStickyEvent, listHiddenSticky, listStickyEvents, listStickyRooms, showStickyEvent } from '../../../storage/sticky-events.ts';
import type { Log } from '../../streams/log.ts';
import { positionOf, type Rider } from '../../streams/log-batch.ts';
import type { Notifier } from '../../streams/notifier.ts';
import type { HotRooms } from '../hot-rooms.ts';
import type { Policy } from '../policy/policy-server.ts';
import { readPdu } from '../read-pdu.ts';
import { listNeededMembers } from '../receive-pdu/auth-states.ts';
import { type ClientEvent, renderEvent } from '../render-events.ts';
import { stickyUntil } from './sticky-of.ts';

/** Whom events are told to: not those of people they ignore. */
type Reader = { userNid: number; deviceId: string; ignored: ReadonlySet<number> };
type Asked = { roomNid: number; roomId: string; after: number };
export type ToldSticky = { roomId: string; position: number; event: ClientEvent };

/**
 * Events that everybody in a room is brought while their time runs, whatever else is said there and however little of its past they may see.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4354
 */
export type StickyEvents = {
  /** What must commit with an event that is part of the room. */
  ridersOf: (event: Pdu, eventNid: number) => readonly Rider[];
  /** An event was stored that is shown to nobody because its sender may not send it as things stand: it is looked at again when they change. */
  noteHidden: (tx: Sql, event: Pdu, eventNid: number) => Promise<void>;
  hidden: (roomNid: number) => void;
  /** Those of the rooms in (after, upTo] that are shown still, the oldest first, at most `limit`. */
  list: (rooms: readonly Asked[], request: { reader: Reader; upTo: number; limit: number }) => Promise<ToldSticky[]>;
  /** How far one answer may tell of what happened since `after` in the rooms: to the end, unless that is more than `limit` of these events. */
  reach: (roomNids: readonly number[], range: { after: number; upTo: number; limit: number }) => Promise<number>;
  settled: () => Promise<void>;
};

type Deps = { database: Database; log: Log; notifier: Notifier; rooms: HotRooms; policy: Policy; clock: Clock; logger: Logger };

export async function createStickyEvents({ database, log, notifier, rooms, policy, clock, logger }: Deps): Promise<StickyEvents> {
  const { sql } = database;
  /** Where each room last showed one; that of others is not asked for. */
  const lastShown = new Map<number, number>();
  const withHidden = new Set<number>();
  let running: Promise<void> = Promise.resolve();
  for (const { roomNid, isHidden } of await listStickyRooms(sql, clock.now())) {
    lastShown.set(roomNid, log.position());
    if (isHidden) withHidden.add(roomNid);
  }

  /** Shows what the senders may send now. */
  async function lookAgain(roomNid: number): Promise<void> {
    const room = await rooms.loadByNid(roomNid);
    const waiting = room === undefined ? [] : await listHiddenSticky(sql, roomNid, clock.now());
    if (room === undefined || waiting.length === 0) return void withHidden.delete(roomNid);
    for (const { eventNid, json } of waiting) {
      const event = readPdu(json);
      await rooms.ensureMembers(room, listNeededMembers(event, room.rules));
      if (!checkAuthRules(event, room, room.rules).allowed || !(await policy.isRecommended(room, event))) continue;
      const write = (tx: Sql, position: number) => {
        lastShown.set(roomNid, position);
        return showStickyEvent(tx, eventNid, position);
      };
      await log.append({ rows: [{ write, wakes: { users: room.localJoined } }] });
    }
  }

  function lookSoon(roomNid: number): void {
    running = running
      .then(() => lookAgain(roomNid))
      .catch((error: unknown) => logger.warn({ err: error, roomNid }, 'events that were hidden could not be looked at again'));
  }

  notifier.onCommit(({ events }) => {
    for (const { row, memberships } of events) {
      if (row.json.includes('"msc4354_sticky"')) lastShown.set(row.roomNid, positionOf(row));
      if (memberships.length > 0 && withHidden.has(row.roomNid)) lookSoon(row.roomNid);
    }
  });
  for (const roomNid of withHidden) lookSoon(roomNid);

  return {
    ridersOf: (event, eventNid) => {
      const now = clock.now();
      const expiresAt = stickyUntil(event, now);
      return expiresAt === undefined || expiresAt <= now ? [] : [(tx) => insertStickyEvent(tx, { eventNid, expiresAt, now })];
    },
    noteHidden: async (tx, event, eventNid) => {
      const now = clock.now();
      const expiresAt = stickyUntil(event, now);
      if (expiresAt !== undefined && expiresAt > now) await insertStickyEvent(tx, { eventNid, expiresAt, now });
    },
    hidden: (roomNid) => {
      withHidden.add(roomNid);
      lookSoon(roomNid);
    },
    list: async (asked, { reader, upTo, limit }) => {
      const active = asked.filter(({ roomNid, after }) => (lastShown.get(roomNid) ?? 0) > after);
      const now = clock.now();
      const roomIds = new Map(active.map(({ roomNid, roomId }) => [roomNid, roomId]));
      return (await listStickyEvents(sql, active, { upTo, now, limit })).flatMap(({ event, position, expiresAt }) => {
        if (reader.ignored.has(event.senderNid)) return [];
        const roomId = roomIds.get(event.roomNid) ?? '';
        return [
          {
            roomId,
            position,
            event: renderEvent(event, { roomId, reader, now, unsigned: { msc4354_sticky_duration_ttl_ms: expiresAt - now } }),
          },
        ];
      });
    },
    reach: async (roomNids, { after, upTo, limit }) => {
      const active = roomNids.filter((roomNid) => (lastShown.get(roomNid) ?? 0) > after).map((roomNid) => ({ roomNid, after }));
      const found = await listStickyEvents(sql, active, { upTo, now: clock.now(), limit: limit + 1 });
      return found.length > limit ? (found[limit - 1]?.position ?? upTo) : upTo;
    },
    settled: async () => await running,
  };
}
