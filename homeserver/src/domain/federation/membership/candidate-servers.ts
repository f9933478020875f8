import { parseServerName, serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { StrippedEvent } from '../../rooms/remote-standing.ts';

/** Most servers that are tried. */
const MAX_CANDIDATES = 10;
/** How many of them are kept for those that nobody named. */
const MAX_UNNAMED = 4;

/** The servers by which a room may be reached, the likeliest first: those named, those of who invited, the one in the room's id, those of who made what is shown of the room. */
export function listCandidateServers(
  { roomId, via }: { roomId: string; via: readonly string[] },
  known: { strippedState: readonly StrippedEvent[] } | undefined,
  ownName: string,
): string[] {
  const strippedState = known?.strippedState ?? [];
  const inviters = strippedState.filter((event) => event.type === 'm.room.member').map((event) => serverNameOf(event.sender));
  const makers = strippedState.map((event) => serverNameOf(event.sender));
  const isOther = (name: string | undefined): name is string =>
    name !== undefined && name !== ownName && parseServerName(name) !== undefined;
  const named = [...new Set(via.filter(isOther))];
  const unnamed = [...new Set([...inviters, serverNameOf(roomId), ...makers].filter(isOther))];
  const first = named.slice(0, MAX_CANDIDATES - Math.min(MAX_UNNAMED, unnamed.length));
  return [...new Set([...first, ...unnamed, ...named])].slice(0, MAX_CANDIDATES);
}
