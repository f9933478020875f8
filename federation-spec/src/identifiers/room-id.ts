import { isIdText, splitId } from './split-id.ts';

/** A room id taken apart. From room version 12 on it names no server: it is the hash of the room's first event. */
export type RoomId = { opaqueId: string; serverName?: string };

const HASH = /^[A-Za-z0-9_-]{43}$/;

/**
 * Parses a room id of any room version.
 *
 * https://spec.matrix.org/latest/appendices/#room-ids
 */
export function parseRoomId(text: string): RoomId | undefined {
  if (!text.includes(':')) return isIdText(text, '!') && HASH.test(text.slice(1)) ? { opaqueId: text.slice(1) } : undefined;
  const parts = splitId(text, '!');
  return parts === undefined ? undefined : { opaqueId: parts.localpart, serverName: parts.serverName };
}
