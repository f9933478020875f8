import type { MaySee, RoomView, ViewRooms } from '../rooms/visibility.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { RoomToTell, Timeline } from './room-to-tell.ts';

/** Takes out of timelines what the user may not see: one query for all rooms about which that is a question. */
export function createHideUnseen({ viewRooms }: { viewRooms: ViewRooms }) {
  return async function hideUnseen(
    wanted: readonly RoomToTell[],
    timelines: ReadonlyMap<number, Timeline>,
    userId: string,
  ): Promise<{ seen: Map<number, Timeline>; views: ReadonlyMap<number, RoomView> }> {
    const seen = new Map(timelines);
    const questionable = wanted.filter((room) => isQuestionable(room, timelines.get(room.roomNid)));
    const views = await viewRooms(
      questionable.map((room) => room.roomNid),
      userId,
    );
    const [anyView] = views.values();
    await anyView?.learn(questionable.flatMap((room) => timelines.get(room.roomNid)?.events ?? []));
    for (const room of questionable) {
      const timeline = timelines.get(room.roomNid);
      const view = views.get(room.roomNid);
      if (timeline === undefined || view === undefined) continue;
      seen.set(room.roomNid, room.isLeft ? hideAbsence(room, timeline, view) : hideHistory(timeline, view.maySee));
    }
    return { seen, views };
  };
}

/** Who joined before the first of the events may see them all. */
function isQuestionable(room: RoomToTell, timeline: Timeline | undefined): boolean {
  const first = timeline?.events[0];
  if (room.isLeft) return true;
  return first !== undefined && !(room.after > 0 && room.after >= room.since) && positionOf(first) <= room.since;
}

/** The timeline begins after the last event that is hidden. */
function hideHistory(timeline: Timeline, maySee: MaySee): Timeline {
  const from = timeline.events.findLastIndex((event) => !maySee(event)) + 1;
  return { ...timeline, events: timeline.events.slice(from), isLimited: timeline.isLimited || from > 0 };
}

/** Who left sees the room until then; who was refused, banned or not let in, sees of it that this was so, and nothing else. */
function hideAbsence(room: RoomToTell, timeline: Timeline, { maySee, lastJoinedAt }: RoomView): Timeline {
  const stateUpTo = Math.min(lastJoinedAt ?? 0, room.upTo);
  const events = timeline.events.filter(maySee);
  return { ...timeline, events, isLimited: timeline.isLimited || events.length < timeline.events.length, stateUpTo };
}
