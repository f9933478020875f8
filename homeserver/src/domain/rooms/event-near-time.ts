import { notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listEventsNearTime } from '../../storage/timeline.ts';
import type { FetchHistory } from './fetch-history.ts';
import type { HotRoom } from './hot-room.ts';
import type { RoomView } from './visibility.ts';

/** How many of the events nearest to a time are looked at for one that the reader may see. */
const MAX_NEAR_TIME = 1_000;
/** How far back other servers are asked: a page is of 100 events. */
const MAX_PAGES = 20;
const PAGE_EVENTS = 100;

export type MomentInRoom = { timestampMs: number; direction: 'f' | 'b' };

/** The event nearest to a time on the side asked for. Throws M_NOT_FOUND when the reader may see none. */
export type FindEventNearTime = (room: HotRoom, view: RoomView, moment: MomentInRoom) => Promise<StoredEvent>;

/**
 * While events are missing between those known on either side of the time, other servers are asked for them: the event that is sought may
 * be one of theirs, and it is then here when its surroundings are asked for.
 *
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event
 */
export function createFindEventNearTime({ database, fetchHistory }: { database: Database; fetchHistory: FetchHistory }): FindEventNearTime {
  const nearest = async (room: HotRoom, moment: MomentInRoom, limit: number) =>
    await listEventsNearTime(database.sql, { roomNid: room.nid, ...moment, limit });

  async function isGapFilled(room: HotRoom, timestampMs: number): Promise<boolean> {
    const [after] = await nearest(room, { timestampMs, direction: 'f' }, 1);
    const [before] = await nearest(room, { timestampMs, direction: 'b' }, 1);
    const from = after?.topological ?? Number.MAX_SAFE_INTEGER;
    const downTo = before === undefined ? 0 : before.topological + 1;
    return downTo > from || !(await fetchHistory(room, { from, downTo, limit: PAGE_EVENTS }));
  }

  return async (room, view, moment) => {
    for (let page = 0; page < MAX_PAGES; page += 1) if (await isGapFilled(room, moment.timestampMs)) break;
    const near = await nearest(room, moment, MAX_NEAR_TIME);
    await view.learn(near);
    const found = near.find(view.maySee);
    if (found === undefined) throw notFound('The room has no event on that side of the time that you may see.');
    return found;
  };
}
