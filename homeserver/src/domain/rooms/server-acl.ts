import { isJsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { matchesGlob } from 'federation-spec/push-rules/match-glob.ts';
import type { HotRoom } from './hot-room.ts';

/**
 * Whether the room's m.room.server_acl lets a server take part. Ports do not count, nor does case; a list that is no list is empty.
 * https://spec.matrix.org/latest/client-server-api/#server-access-control-lists-acls-for-rooms
 */
export function isServerAllowed(room: Pick<HotRoom, 'find'>, serverName: string): boolean {
  const acl = room.find('m.room.server_acl', '');
  if (acl === undefined) return true;
  const name = parseServerName(serverName);
  if (name === undefined) return false;
  const { allow, deny, allow_ip_literals: allowIpLiterals } = acl.content;
  if (allowIpLiterals === false && name.kind !== 'dns') return false;
  const host = name.host.toLowerCase();
  if (listGlobs(deny).some((glob) => matchesGlob(glob, host))) return false;
  return listGlobs(allow).some((glob) => matchesGlob(glob, host));
}

function listGlobs(value: JsonValue | undefined): string[] {
  if (value === undefined || isJsonObject(value) || !Array.isArray(value)) return [];
  return value.filter((glob) => typeof glob === 'string').map((glob) => glob.toLowerCase());
}
