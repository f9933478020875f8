import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import { listNewestReceipts, listReceiptChanges, type ToldReceipt } from '../../storage/receipts.ts';
import type { Activity } from '../streams/activity.ts';
import type { StreamToken } from '../streams/token.ts';
import type { Acknowledged } from './delivered.ts';
import type { Presence } from './presence.ts';
import { isPresenceState, type PresenceState } from './presence-status.ts';
import type { Typing } from './typing.ts';
import type { Volatile } from './volatile.ts';

/** Of a room that is new to a client, so many receipts of other people are told. */
const MAX_NEW_ROOM_RECEIPTS = 500;

/** What sync shows of receipts, typing and presence. */
export type EphemeralForSync = {
  /** The place to put into the next token; read it before the lists. */
  volatileNow: () => { boot: string; volatile: number };
  /** `m.receipt`, `m.typing` and `chat.blinkchat.delivered` of those rooms among the given that changed since the token. */
  listRoomEphemeral: (request: {
    userNid: number;
    roomNids: readonly number[];
    after: StreamToken | undefined;
    upTo: number;
    /** One kind alone; both when left out. */
    only?: 'receipts' | 'typing';
  }) => Promise<Map<number, JsonObject[]>>;
  listPresence: (request: { userNid: number; after: StreamToken | undefined }) => Promise<JsonObject[]>;
  /** The device came back with a token at this position: it has what was before. */
  acknowledged: (device: { userNid: number; deviceId: string }, position: number) => void;
  /** A sync of a device begins, with the `set_presence` of its request. Gives what to call at its end. */
  synced: (user: { userId: string; userNid: number }, setPresence: string | undefined) => () => void;
};

type Deps = {
  database: Database;
  volatile: Volatile;
  typing: Typing;
  presence: Presence;
  acknowledged: Acknowledged;
  activity: Activity;
};

export function createEphemeralForSync({ database, volatile, typing, presence, acknowledged, activity }: Deps): EphemeralForSync {
  return {
    volatileNow: volatile.now,
    listRoomEphemeral: async ({ userNid, roomNids, after, upTo, only }) => {
      const events = new Map<number, JsonObject[]>();
      const receipts =
        only === 'typing'
          ? []
          : after === undefined
            ? await listNewestReceipts(database.sql, { roomNids, userNid, upTo, limit: MAX_NEW_ROOM_RECEIPTS })
            : await listReceiptChanges(database.sql, {
                roomNids: roomNids.filter(activity.isActiveSince(after.position)),
                userNid,
                after: after.position,
                upTo,
              });
      for (const [roomNid, ofRoom] of Map.groupBy(receipts, (receipt) => receipt.roomNid)) events.set(roomNid, renderReceipts(ofRoom));
      if (only === 'receipts') return events;
      for (const [roomNid, event] of typing.listChanges(roomNids, after)) events.set(roomNid, [...(events.get(roomNid) ?? []), event]);
      return events;
    },
    listPresence: ({ userNid, after }) => presence.listChanges(userNid, after),
    acknowledged,
    synced: (user, setPresence) => presence.synced(user, readPresence(setPresence)),
  };
}

function readPresence(setPresence: string | undefined): PresenceState {
  return isPresenceState(setPresence) ? setPresence : 'online';
}

/** https://spec.matrix.org/latest/client-server-api/#receipts. On one event the receipt for all of the room stands before those in threads. */
export function renderReceipts(receipts: readonly Omit<ToldReceipt, 'roomNid'>[]): JsonObject[] {
  const read: Record<string, Record<string, Record<string, JsonObject>>> = {};
  const delivered: Record<string, Record<string, JsonObject>> = {};
  for (const { kind, thread, eventId, userId, ts } of receipts) {
    if (kind === 'delivered') {
      delivered[eventId] ??= {};
      delivered[eventId][userId] = { ts };
      continue;
    }
    const type = kind === 'private' ? 'm.read.private' : 'm.read';
    read[eventId] ??= {};
    read[eventId][type] ??= {};
    const byUser = read[eventId][type];
    if (thread === '' || byUser[userId] === undefined) byUser[userId] = { ts, ...(thread === '' ? {} : { thread_id: thread }) };
  }
  return [
    ...(Object.keys(read).length === 0 ? [] : [{ type: 'm.receipt', content: read }]),
    ...(Object.keys(delivered).length === 0 ? [] : [{ type: 'chat.blinkchat.delivered', content: delivered }]),
  ];
}
