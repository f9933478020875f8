import { splitId } from './split-id.ts';

/** A room alias taken apart: the server is the one to ask for the room. */
export type RoomAlias = { localpart: string; serverName: string };

/**
 * Parses a room alias.
 *
 * https://spec.matrix.org/latest/appendices/#room-aliases
 */
export function parseRoomAlias(text: string): RoomAlias | undefined {
  return splitId(text, '#');
}
