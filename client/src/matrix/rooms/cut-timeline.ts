import type { StoredEvent } from '../timeline/stored-event.ts';
import type { RoomRecord } from './room-record.ts';

/** How many events of a room are worth keeping; a few more are kept when there is no place to cut. */
const MAX_KEPT_EVENTS = 60;

/** The newest events of a room, cut where a token lets them be continued, so that no gap opens before them. */
export function cutTimeline({ timeline, prevBatch, batchTokens }: RoomRecord): { events: StoredEvent[]; prevBatch: string | undefined } {
  for (let at = Math.max(0, timeline.length - MAX_KEPT_EVENTS); at < timeline.length && at > 0; at += 1) {
    const token = batchTokens.get(timeline[at]?.event.event_id ?? '');
    if (token !== undefined) return { events: timeline.slice(at), prevBatch: token };
  }
  return { events: timeline, prevBatch };
}
