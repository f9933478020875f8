import type { SlidingSyncExtensionAnswers, SlidingSyncExtensions } from 'federation-spec/api/schemas/sliding-sync.ts';
import type { Database } from '../../../storage/database.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { listRoomsJoinedAt } from '../../../storage/sync.ts';
import type { Ignored, StickyForSync, SyncDevice } from '../sources.ts';
import { readExtensionSince } from './extension-since.ts';
import type { TellableRoom } from './tell-sliding-rooms.ts';

export const STICKY = 'org.matrix.msc4354.sticky_events';
/** Events in one answer, unless fewer are asked for; of rooms that are new to the client there may be more. */
const MAX_EVENTS = 100;
const MAX_OF_NEW_ROOMS = 5_000;

type Wanted = NonNullable<SlidingSyncExtensions[typeof STICKY]>;
type Answer = NonNullable<SlidingSyncExtensionAnswers[typeof STICKY]>;
type Request = {
  device: SyncDevice;
  upTo: number;
  matching: readonly UserMembership[];
  rooms: Readonly<Record<string, TellableRoom>>;
  ignored: Ignored;
};

export type TellSticky = (request: Request, wanted: Wanted) => Promise<Answer>;

/**
 * What everybody in the rooms is brought for a while: of all that the lists are about, the oldest first, as far as the timelines do not have
 * it. https://github.com/matrix-org/matrix-spec-proposals/pull/4480
 */
export function createTellSticky({ database, sticky }: { database: Database; sticky: StickyForSync }): TellSticky {
  return async function tellSticky({ device, upTo, matching, rooms, ignored }, { since, limit = MAX_EVENTS }) {
    const after = readExtensionSince(STICKY, since, upTo) ?? 0;
    const joined = matching.filter(({ membership }) => membership === 'join');
    const moved = joined.filter(({ position }) => position > after).map(({ roomNid }) => roomNid);
    const wereJoined = after === 0 ? new Set(moved) : await listRoomsJoinedAt(database.sql, device.userId, moved, after);
    const isNew = (room: UserMembership) => room.position > after && !wereJoined.has(room.roomNid);
    const reader = { ...device, ignored: ignored.nids };
    const [fresh, others] = [joined.filter(isNew), joined.filter((room) => !isNew(room))];
    const most = Math.min(limit, MAX_EVENTS);
    const reach = await sticky.reach(
      others.map(({ roomNid }) => roomNid),
      { after, upTo, limit: most },
    );
    const [whole, later] = await Promise.all([
      sticky.list(fresh.map(from(0)), { reader, upTo: reach, limit: MAX_OF_NEW_ROOMS }),
      sticky.list(others.map(from(after)), { reader, upTo: reach, limit: most }),
    ]);
    const found = [...whole, ...later];
    if (found.length === 0 && reach === upTo) return {};

    const shown = new Set(Object.values(rooms).flatMap(({ timeline }) => (timeline ?? []).map((event) => event.event_id)));
    const told = Map.groupBy(
      found.filter(({ event }) => !shown.has(event.event_id)),
      ({ roomId }) => roomId,
    );
    const byRoom = [...told].map(([roomId, events]) => [roomId, { events: events.map(({ event }) => event) }] as const);
    return { next_batch: String(reach), ...(byRoom.length === 0 ? {} : { rooms: Object.fromEntries(byRoom) }) };
  };
}

function from(after: number) {
  return ({ roomNid, roomId }: UserMembership) => ({ roomNid, roomId, after });
}
