import type { RoomEventFilter } from 'federation-spec/api/schemas/filters.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { passesFilter, passesRoomFilter } from '../rooms/event-filter.ts';
import { readPdu } from '../rooms/read-pdu.ts';

/** What a client does not want to see of timelines: by its filter, and because it ignores the sender. */
export type TimelineFilter = {
  filter: RoomEventFilter | undefined;
  /** Whose messages are not shown; their state events are. https://spec.matrix.org/latest/client-server-api/#ignoring-users */
  ignored: ReadonlySet<number>;
};

/** Whether a filter narrows timelines at all: when not, nothing needs to be looked at. */
export function isNarrow({ filter, ignored }: TimelineFilter): boolean {
  if (ignored.size > 0) return true;
  const { types, not_types, senders, not_senders } = filter ?? {};
  return isByContent({ filter, ignored }) || [types, not_types, senders, not_senders].some((part) => part !== undefined);
}

/** Whether what events say decides if they pass, which the database cannot tell. */
export function isByContent({ filter }: TimelineFilter): boolean {
  const relTypes = [filter?.['org.matrix.msc3874.rel_types'], filter?.['org.matrix.msc3874.not_rel_types']];
  return [filter?.contains_url, ...relTypes].some((part) => part !== undefined);
}

/** Whether the events that relate to an event decide if it passes. */
export function isByRelations({ filter }: TimelineFilter): boolean {
  return filter?.related_by_rel_types !== undefined || filter?.related_by_senders !== undefined;
}

/** Whether a room's timeline is wanted. */
export function wantsTimelineOf({ filter }: TimelineFilter, roomId: string): boolean {
  return passesRoomFilter(roomId, filter);
}

export function passesTimelineFilter({ filter, ignored }: TimelineFilter, event: StoredEvent): boolean {
  if (event.keyNid === null && ignored.has(event.senderNid)) return false;
  return filter === undefined || passesFilter(readPdu(event.json), filter);
}
