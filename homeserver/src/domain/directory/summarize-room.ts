import type { RoomSummary, SpaceRoom } from 'federation-spec/api/schemas/room-directory.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import { stripEvent } from '../rooms/strip-event.ts';
import { describeRoom } from './describe-room.ts';
import { listAllowedRooms } from './room-access.ts';

/** Most children of one space that are told. */
const MAX_CHILDREN = 1_000;
/** What a child's `order` may be. */
const VALID_ORDER = /^[\x20-\x7e]{1,50}$/;

/** A room as someone sees it who may come in. https://spec.matrix.org/latest/client-server-api/#room-summaries */
export function summarizeRoom(room: HotRoom): RoomSummary {
  const algorithm = room.find('m.room.encryption', '')?.content['algorithm'];
  const allowed = listAllowedRooms(room);
  return {
    ...describeRoom(room),
    room_version: room.version,
    ...(typeof algorithm === 'string' ? { encryption: algorithm } : {}),
    ...(allowed === undefined ? {} : { allowed_room_ids: allowed }),
  };
}

/** The same with the events that name its children, in the order of the space. */
export function summarizeSpace(room: HotRoom, suggestedOnly: boolean): SpaceRoom {
  const isSpace = room.find('m.room.create', '')?.content['type'] === 'm.space';
  const children = isSpace ? room.listState().flatMap(({ event }) => (isChild(event, suggestedOnly) ? [event] : [])) : [];
  const sorted = children.sort(compareChildren).slice(0, MAX_CHILDREN);
  return {
    ...summarizeRoom(room),
    children_state: sorted.map((event) => ({ ...stripEvent(event), origin_server_ts: event.origin_server_ts })),
  };
}

function isChild({ type, content }: Pdu, suggestedOnly: boolean): boolean {
  return type === 'm.space.child' && Array.isArray(content['via']) && (!suggestedOnly || content['suggested'] === true);
}

/** https://spec.matrix.org/latest/client-server-api/#ordering-of-children-within-a-space */
function compareChildren(a: Pdu, b: Pdu): number {
  const [first, second] = [orderOf(a), orderOf(b)];
  if (first !== second) {
    if (first === undefined) return 1;
    if (second === undefined) return -1;
    return first < second ? -1 : 1;
  }
  return a.origin_server_ts - b.origin_server_ts || ((a.state_key ?? '') < (b.state_key ?? '') ? -1 : 1);
}

function orderOf({ content }: Pdu): string | undefined {
  const order = content['order'];
  return typeof order === 'string' && VALID_ORDER.test(order) ? order : undefined;
}
