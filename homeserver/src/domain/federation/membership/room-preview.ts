import type { Pdu } from 'federation-spec/events/event.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';

/** The state that somebody who is invited, or knocks, is shown. https://spec.matrix.org/latest/client-server-api/#stripped-state */
const SHOWN = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
];

/** Those state events, whole, and the inviter's membership. That must be in the room's memory. */
export function listRoomPreview(room: HotRoom, inviter?: string): Pdu[] {
  const events = SHOWN.map((type) => room.find(type, ''));
  const member = inviter === undefined ? undefined : room.find('m.room.member', inviter);
  return [...events, member].filter((event) => event !== undefined);
}
