import type { RoomSummary } from '../matrix/rooms/room-summary.ts';

type Translate = (key: string) => string;

/** The name to show: the core leaves a room without any name or people for us to word. */
export function nameRoom(room: RoomSummary | undefined, t: Translate): string {
  return room === undefined || room.name === '' ? t('rooms.emptyRoom') : room.name;
}
