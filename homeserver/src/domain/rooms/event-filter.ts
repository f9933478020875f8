import type { RoomEventFilter } from 'federation-spec/api/schemas/filters.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { matchesGlob } from 'federation-spec/push-rules/match-glob.ts';
import type { ClientEvent } from './render-events.ts';

type Filtered = Pick<ClientEvent, 'type' | 'sender' | 'content'>;

/** Whether an event passes a filter of types, senders, URLs and relations. https://spec.matrix.org/latest/client-server-api/#filtering */
export function passesFilter(event: Filtered, filter: RoomEventFilter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.not_types?.some((glob) => matchesType(glob, event.type)) === true) return false;
  if (filter.types !== undefined && !filter.types.some((glob) => matchesType(glob, event.type))) return false;
  if (filter.not_senders?.includes(event.sender) === true) return false;
  if (filter.senders !== undefined && !filter.senders.includes(event.sender)) return false;
  if (filter.contains_url !== undefined && filter.contains_url !== (typeof event.content['url'] === 'string')) return false;
  return passesRelation(event, filter);
}

function passesRelation({ content }: Filtered, filter: RoomEventFilter): boolean {
  const wanted = filter['org.matrix.msc3874.rel_types'];
  const unwanted = filter['org.matrix.msc3874.not_rel_types'];
  if (wanted === undefined && unwanted === undefined) return true;
  const relation = content['m.relates_to'];
  const relType = isJsonObject(relation) ? relation['rel_type'] : undefined;
  if (typeof relType !== 'string') return wanted === undefined;
  return unwanted?.includes(relType) !== true && (wanted === undefined || wanted.includes(relType));
}

/** `*` stands for any text; other signs for themselves. */
function matchesType(glob: string, type: string): boolean {
  return glob.includes('*') ? matchesGlob(glob, type) : glob === type;
}

/** Whether a filter lets a room through. */
export function passesRoomFilter(
  roomId: string,
  filter: { rooms?: readonly string[]; not_rooms?: readonly string[] } | undefined,
): boolean {
  if (filter === undefined) return true;
  if (filter.not_rooms?.includes(roomId) === true) return false;
  return filter.rooms === undefined || filter.rooms.includes(roomId);
}
