import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { type InviteFromAfar, listInvitesFromAfar, queueAppserviceEvents } from '../../storage/appservices.ts';
import type { Database } from '../../storage/database.ts';
import { listTimelineForwards, type StoredEvent } from '../../storage/events.ts';
import { findRoomIds } from '../../storage/rooms.ts';
import { positionOf } from '../streams/log-batch.ts';
import { type Appservice, ownsUser } from './appservice.ts';
import type { RoomInterest } from './room-interest.ts';

/** Events read and judged in one step. */
const STEP_EVENTS = 500;

/** A service that is sent something, the number it is stored under, and the last event that was queued for it. */
export type Receiver = { appservice: Appservice; nid: number; queuedPosition: number };

type Deps = {
  database: Database;
  interest: RoomInterest;
  receivers: readonly Receiver[];
  /** Called when something was queued for a service. */
  queued: (receiver: Receiver) => void;
};
type Entry = { receiver: Receiver; position: number; eventNid: number | null; invite: string | null };

/** Reads the log in its order and queues for each service what interests it. What was queued before, it does not queue again. */
export function createFollowEvents({ database, interest, receivers, queued }: Deps) {
  async function judge(rows: readonly StoredEvent[]): Promise<Entry[]> {
    const roomIds = await findRoomIds(database.sql, [...new Set(rows.map((row) => row.roomNid))]);
    const entries: Entry[] = [];
    for (const row of rows) {
      const roomId = roomIds.get(row.roomNid);
      const interested = roomId === undefined ? [] : await interest.ofEvent(row, roomId);
      for (const receiver of receivers.filter(({ appservice }) => interested.includes(appservice)))
        entries.push({ receiver, position: positionOf(row), eventNid: row.eventNid, invite: null });
    }
    return entries;
  }

  function judgeInvites(invites: readonly InviteFromAfar[]): Entry[] {
    return invites.flatMap((invite) =>
      receivers
        .filter(({ appservice }) => ownsUser(appservice, invite.userId))
        .map((receiver) => ({ receiver, position: invite.position, eventNid: null, invite: JSON.stringify(renderInvite(invite)) })),
    );
  }

  async function queue(entries: readonly Entry[]): Promise<void> {
    const fresh = entries.filter(({ receiver, position }) => position > receiver.queuedPosition);
    await queueAppserviceEvents(
      database.lazySql,
      fresh.map(({ receiver, ...entry }) => ({ appserviceNid: receiver.nid, ...entry })),
    );
    for (const [receiver, own] of Map.groupBy(fresh, (entry) => entry.receiver)) {
      receiver.queuedPosition = Math.max(receiver.queuedPosition, ...own.map(({ position }) => position));
      queued(receiver);
    }
  }

  return async function followEvents({ after, upTo }: { after: number; upTo: number }): Promise<void> {
    const invites = await listInvitesFromAfar(database.sql, { after, upTo });
    for (let from = after; from < upTo; ) {
      const rows = await listTimelineForwards(database.sql, { after: from, upTo, limit: STEP_EVENTS });
      const last = rows.at(-1);
      const end = last === undefined || rows.length < STEP_EVENTS ? upTo : positionOf(last);
      const arrived = invites.filter(({ position }) => position > from && position <= end);
      await queue([...(await judge(rows)), ...judgeInvites(arrived)]);
      from = end;
    }
  };
}

/** An invite to a room that this server is not in, as a client event; what else is known of the room stands in `unsigned`. */
function renderInvite({ userId, roomId, strippedState, inviteSource }: InviteFromAfar): JsonObject {
  const state = (JSON.parse(strippedState ?? '[]') as JsonValue[]).filter(isJsonObject);
  const member = state.find((event) => event['type'] === 'm.room.member' && event['state_key'] === userId);
  return {
    type: 'm.room.member',
    state_key: userId,
    sender: member?.['sender'] ?? userId,
    content: member?.['content'] ?? { membership: 'invite' },
    room_id: roomId,
    ...(JSON.parse(inviteSource ?? '{}') as JsonObject),
    unsigned: { invite_room_state: state },
  };
}
