import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Verdict } from 'federation-spec/verdict.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsById, listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listRemoteEventNids, retractEvent } from '../../storage/partial-rooms.ts';
import { setRoomHeads } from '../../storage/rooms.ts';
import { listStateDelta, listStateOfKeys } from '../../storage/state.ts';
import type { Log } from '../streams/log.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Interner } from './interner.ts';
import { readPdu } from './read-pdu.ts';
import { authStateOf, listNeededState } from './receive-pdu/auth-states.ts';

/** How many events are read at a time. */
const PAGE = 200;

/** Checks events that were received while the state was not complete once more, and takes out what is not allowed. */
export type RecheckEvents = (range: { roomNid: number; roomId: string; after: number; upTo: number }) => Promise<void>;

type Deps = { database: Database; log: Log; rooms: HotRooms; interner: Interner; logger: Logger; serverName: string };

export function createRecheckEvents({ database, log, rooms, interner, logger, serverName }: Deps): RecheckEvents {
  const { sql } = database;

  /** By the state before the event: only what the rules ask for of it is read. */
  async function check(room: HotRoom, stored: StoredEvent): Promise<Verdict> {
    const { basePos } = stored;
    if (basePos === null) return { allowed: true }; // it was judged by a state that was fetched whole
    const event = readPdu(stored.json);
    const pairs = listNeededState(event, room.rules);
    const keyNids = await interner.keyNids(pairs);
    const state = new Map((await listStateOfKeys(sql, room.nid, pairs, basePos)).map((row) => [row.keyNid, row.eventNid]));
    for (const { keyNid, stateEventNid } of await listStateDelta(sql, stored.eventNid)) {
      if (!keyNids.includes(keyNid)) continue;
      if (stateEventNid === null) state.delete(keyNid);
      else state.set(keyNid, stateEventNid);
    }
    const events = await listEventsByNid(sql, [...state.values()]);
    return checkAuthRules(
      event,
      authStateOf(
        events.map((row) => readPdu(row.json)),
        undefined,
        room.rules,
      ),
      room.rules,
    );
  }

  /** Of a membership, whose it is, when that is a user of this server: their standing is another than they were told. */
  async function findLocalTarget({ type, json }: StoredEvent): Promise<number[]> {
    const userId = type === MEMBER ? readPdu(json).state_key : undefined;
    return userId?.endsWith(`:${serverName}`) === true ? [await interner.userNid(userId)] : [];
  }

  async function retract(room: HotRoom, stored: StoredEvent, reason: string): Promise<void> {
    logger.warn({ roomId: room.roomId, eventId: stored.eventId, reason }, 'an event from before the state was complete is taken out');
    await room.turns.take(async () => {
      const others = room.heads.filter((head) => head.eventNid !== stored.eventNid).map((head) => head.eventNid);
      const prevs = await listEventsById(sql, listPrevEventIds(readPdu(stored.json)));
      const below = prevs.filter((prev) => prev.kind === 'timeline').map((prev) => prev.eventNid);
      const isHead = others.length < room.heads.length;
      const target = await findLocalTarget(stored);
      const heads = others.length > 0 ? others : below;
      await log.append({
        rows: [
          {
            write: async (tx, position) => {
              await retractEvent(tx, { eventNid: stored.eventNid, roomNid: room.nid, reason, position });
              if (isHead && heads.length > 0) await setRoomHeads(tx, room.nid, heads);
            },
            wakes: { users: [...room.localJoined, ...target], rooms: [room.nid], membershipsOf: target },
          },
        ],
      });
      rooms.evict(room.nid);
    });
  }

  return async ({ roomNid, roomId, after, upTo }) => {
    for (let from = after; ; ) {
      const page = await listRemoteEventNids(sql, { roomNid, after: from, upTo, limit: PAGE });
      const stored = await listEventsByNid(
        sql,
        page.map((row) => row.eventNid),
      );
      for (const event of stored.sort((a, b) => (a.position ?? 0) - (b.position ?? 0))) {
        const room = await rooms.load(roomId);
        if (room === undefined) return;
        const verdict = await check(room, event);
        if (!verdict.allowed) await retract(room, event, verdict.reason);
      }
      const last = page.at(-1);
      if (page.length < PAGE || last === undefined) return;
      from = last.position;
    }
  };
}
