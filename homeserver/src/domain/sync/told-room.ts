import type { StoredEvent } from '../../storage/events.ts';
import { passesFilter, passesRoomFilter } from '../rooms/event-filter.ts';
import { isBehindGap } from '../rooms/gap-place.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { type ClientEvent, renderEvent } from '../rooms/render-events.ts';
import { positionOf } from '../streams/log-batch.ts';
import { formatToken } from '../streams/token.ts';
import type { RoomToTell, TellRequest, Timeline, ToldRoom } from './room-to-tell.ts';
import { createShapeEvent } from './shape-events.ts';

/** What was read of one room; `rendered` are the timeline's events. */
type Read = { timeline: Timeline; rendered: readonly ClientEvent[]; state: readonly StoredEvent[] };

/** Puts together, in the form that the request asks for, what was read of rooms. */
export function createToToldRoom(request: TellRequest, now: number) {
  const { device, filter, wantsStateAfter } = request;
  const shape = createShapeEvent(filter) ?? ((_event, usual) => usual);
  const stateFilter = filter?.room?.state;

  return function toToldRoom(room: RoomToTell, { timeline, rendered, state }: Read): ToldRoom {
    const shown = new Set(wantsStateAfter ? [] : timeline.events.map((event) => event.eventId));
    const events = rendered.flatMap((usual, place) => {
      const event = timeline.events[place];
      return event === undefined ? [] : [shape(event, usual)];
    });
    const told = passesRoomFilter(room.roomId, stateFilter) ? state : [];
    return {
      positions: timeline.events.map(positionOf),
      timeline: {
        events,
        limited: timeline.isLimited || room.isNewlyJoined === true,
        prev_batch: placeBefore(room, timeline.events[0], request),
      },
      state: told
        .filter((event) => !shown.has(event.eventId))
        .filter((event) => stateFilter === undefined || passesFilter(readPdu(event.json), stateFilter))
        .map((event) => shape(event, renderEvent(event, { roomId: room.roomId, reader: device, now }))),
    };
  };
}

/** From where what came before the timeline is to be had. */
function placeBefore(room: RoomToTell, first: StoredEvent | undefined, { upTo, boot }: TellRequest): string {
  if (first !== undefined && isBehindGap(first.topological))
    return formatToken({ kind: 'topological', topological: first.topological, eventNid: first.eventNid - 1 });
  const before = first === undefined ? room.upTo : positionOf(first) - 1;
  return formatToken({ kind: 'stream', position: Math.min(before, upTo), boot, volatile: 0 });
}
