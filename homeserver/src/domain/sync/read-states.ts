import type { Database } from '../../storage/database.ts';
import { listStateChangesOfRooms, listStateOfRooms, type StateRow } from '../../storage/sync.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { RoomToTell, TellRequest, Timeline } from './room-to-tell.ts';

/**
 * The state of many rooms, in two queries.
 *
 * With `wantsStateAfter` it is what holds at the end of each room. Otherwise it is what held before the first event of the timeline, and
 * beside it what has come to hold since by another way than the timeline: by resolution, or by an event that the filter leaves out.
 */
export function createReadStates({ database }: { database: Database }) {
  return async function readStates(
    wanted: readonly RoomToTell[],
    timelines: ReadonlyMap<number, Timeline>,
    { filter, wantsStateAfter, device }: TellRequest,
  ): Promise<Map<number, StateRow[]>> {
    const isLazy = filter?.room?.state?.lazy_load_members === true;
    const rangeOf = (room: RoomToTell) => {
      const timeline = timelines.get(room.roomNid);
      const first = timeline?.events[0];
      const upTo = Math.min(room.upTo, timeline?.stateUpTo ?? room.upTo);
      const at = wantsStateAfter || first === undefined ? upTo : Math.min(positionOf(first) - 1, upTo);
      return { roomNid: room.roomNid, after: room.stateAfter, at, upTo };
    };
    const mayFollow = wanted.filter((room) => (timelines.get(room.roomNid)?.stateUpTo ?? room.upTo) > room.stateAfter);
    const known = mayFollow.filter((room) => {
      const timeline = timelines.get(room.roomNid);
      const mayHaveChanged = timeline?.hasStateChanges !== false;
      return (
        room.stateAfter > 0 && mayHaveChanged && (wantsStateAfter || timeline?.isLimited === true || timeline?.hasHiddenChanges === true)
      );
    });
    const unknown = mayFollow.filter((room) => room.stateAfter === 0);
    const [whole, changes] = await Promise.all([
      listStateOfRooms(database.sql, unknown.map(rangeOf), isLazy ? [device.userId] : 'all'),
      listStateChangesOfRooms(database.sql, known.map(rangeOf)),
    ]);
    const states = new Map<number, StateRow[]>();
    for (const [roomNid, rows] of Map.groupBy([...whole, ...changes], (row) => row.event.roomNid)) {
      states.set(roomNid, mergeState(rows, timelines.get(roomNid)));
    }
    return states;
  };
}

/** What came later stands for what held before, unless the timeline tells of it. */
function mergeState(rows: readonly StateRow[], timeline: Timeline | undefined): StateRow[] {
  const shown = new Set((timeline?.events ?? []).map((event) => event.eventNid));
  const byKey = new Map<number | null, StateRow>();
  for (const row of rows) if (row.isBefore) byKey.set(row.event.keyNid, row);
  for (const row of rows) if (!row.isBefore && !shown.has(row.event.eventNid)) byKey.set(row.event.keyNid, row);
  return [...byKey.values()];
}
