import type { Pdu } from 'federation-spec/events/event.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import { SHOWN_STATE } from '../../rooms/shown-state.ts';

/** The state events that a stranger is shown, whole, and the inviter's membership. That must be in the room's memory. */
export function listRoomPreview(room: HotRoom, inviter?: string): Pdu[] {
  const events = SHOWN_STATE.map((type) => room.find(type, ''));
  const member = inviter === undefined ? undefined : room.find('m.room.member', inviter);
  return [...events, member].filter((event) => event !== undefined);
}
