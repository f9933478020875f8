import type { RoomRecord } from '../rooms/room-record.ts';
import { buildTimeline } from './build-timeline.ts';
import type { StoredEvent } from './stored-event.ts';
import type { TimelineItem } from './timeline-item.ts';

/** Messages of others among new events, as items: what notifications and bots want. Those that cannot be read yet come when they can. */
export function listIncoming(record: RoomRecord, events: readonly StoredEvent[], ownUserId: string): TimelineItem[] {
  const wanted = new Set(
    events
      .filter(({ event, failure }) => event.sender !== ownUserId && event.state_key === undefined && failure === undefined)
      .map(({ event }) => event.event_id),
  );
  if (wanted.size === 0) return [];
  const from = record.timeline.findIndex(({ event }) => wanted.has(event.event_id));
  const items = buildTimeline({
    record: { ...record, timeline: record.timeline.slice(Math.max(0, from)) },
    ownUserId,
    outgoing: [],
    uploadProgress: new Map(),
    extraEvents: new Map(),
    echoKeys: new Map(),
    readMarkerEventId: undefined,
  });
  return items.filter(({ eventId, body }) => eventId !== undefined && wanted.has(eventId) && body.kind !== 'redacted');
}
