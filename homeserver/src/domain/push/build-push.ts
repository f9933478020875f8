import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid } from '../../storage/events.ts';
import { listMembershipsOfUser } from '../../storage/memberships.ts';
import type { PusherRow, QueuedPush } from '../../storage/pushers.ts';
import { type HotRoom, MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Interner } from '../rooms/interner.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { CountUnread } from './count-unread.ts';
import { dataOf } from './pushers.ts';

type Deps = { database: Database; rooms: HotRooms; interner: Interner; count: CountUnread };

export type BuildPush = {
  /** The body for the push gateway; undefined when there is nothing left to tell. */
  ofEvent: (pusher: PusherRow, push: QueuedPush) => Promise<JsonObject | undefined>;
  /** A body that only tells how much is unread, after something was read elsewhere. */
  ofCounts: (pusher: PusherRow, unread: number) => JsonObject;
  /** How much a user has not read, in all rooms together. */
  countAll: (userNid: number) => Promise<number>;
};

/** https://spec.matrix.org/latest/push-gateway-api/#post_matrixpushv1notify */
export function createBuildPush({ database, rooms, interner, count }: Deps): BuildPush {
  async function countAll(userNid: number): Promise<{ total: number; roomNids: Map<number, number> }> {
    const joined = (await listMembershipsOfUser(database.sql, userNid)).filter(({ membership }) => membership === 'join');
    const counts = await count(
      { userNid },
      joined.map((room) => room.roomNid),
    );
    const roomNids = new Map<number, number>();
    for (const [roomNid, { notifications, byThread }] of counts) {
      roomNids.set(
        roomNid,
        [...byThread.values()].reduce((sum, thread) => sum + thread.notifications, notifications),
      );
    }
    return { total: [...roomNids.values()].reduce((sum, unread) => sum + unread, 0), roomNids };
  }

  async function ofEvent(pusher: PusherRow, push: QueuedPush): Promise<JsonObject | undefined> {
    const [event] = await listEventsByNid(database.sql, [push.eventNid]);
    const room = await rooms.loadByNid(push.roomNid);
    if (event === undefined || room === undefined || event.redactedBy !== null) return undefined;
    const { total, roomNids } = await countAll(pusher.userNid);
    // Read in the meantime.
    if (roomNids.get(push.roomNid) === 0) return undefined;

    const pdu = readPdu(event.json);
    const tweaks = JSON.parse(push.tweaks) as JsonObject;
    const isUrgent = pdu.type === 'm.room.encrypted' || tweaks['sound'] !== undefined || tweaks['highlight'] === true;
    const device = { ...deviceOf(pusher), tweaks };
    const brief = {
      event_id: event.eventId,
      room_id: room.roomId,
      prio: isUrgent ? 'high' : 'low',
      counts: { unread: total },
      devices: [device],
    };
    if (dataOf(pusher)['format'] === 'event_id_only') return { notification: brief };

    const userId = await interner.userId(pusher.userNid);
    await rooms.ensureMembers(room, [pdu.sender]);
    return {
      notification: {
        ...brief,
        type: pdu.type,
        sender: pdu.sender,
        content: pdu.content,
        ...(pdu.type === MEMBER ? { user_is_target: pdu.state_key === userId } : {}),
        ...namesOf(room, pdu.sender),
      },
    };
  }

  return {
    ofEvent,
    ofCounts: (pusher, unread) => ({ notification: { prio: 'low', counts: { unread }, devices: [deviceOf(pusher)] } }),
    countAll: async (userNid) => (await countAll(userNid)).total,
  };
}

function deviceOf(pusher: PusherRow): JsonObject {
  const { url: _url, ...data } = dataOf(pusher);
  return { app_id: pusher.appId, pushkey: pusher.pushkey, pushkey_ts: Math.floor(pusher.createdAt / 1_000), data };
}

function namesOf(room: HotRoom, sender: string): JsonObject {
  const named: [string, unknown][] = [
    ['sender_display_name', room.find(MEMBER, sender)?.content['displayname']],
    ['room_name', room.find('m.room.name', '')?.content['name']],
    ['room_alias', room.find('m.room.canonical_alias', '')?.content['alias']],
  ];
  return Object.fromEntries(named.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
