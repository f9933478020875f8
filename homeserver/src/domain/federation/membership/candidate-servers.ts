import { parseServerName, serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { StrippedEvent } from '../../rooms/remote-standing.ts';

/** Most servers that are tried. */
const MAX_CANDIDATES = 10;

/** The servers by which a room may be reached, the likeliest first: those named, those of who invited, the one in the room's id, those of who made what is shown of the room. */
export function listCandidateServers(
  { roomId, via }: { roomId: string; via: readonly string[] },
  known: { strippedState: readonly StrippedEvent[] } | undefined,
  ownName: string,
): string[] {
  const strippedState = known?.strippedState ?? [];
  const inviters = strippedState.filter((event) => event.type === 'm.room.member').map((event) => serverNameOf(event.sender));
  const makers = strippedState.map((event) => serverNameOf(event.sender));
  const all = [...via, ...inviters, serverNameOf(roomId), ...makers];
  const named = all.filter((name) => name !== undefined && name !== ownName && parseServerName(name) !== undefined);
  return [...new Set(named as string[])].slice(0, MAX_CANDIDATES);
}
