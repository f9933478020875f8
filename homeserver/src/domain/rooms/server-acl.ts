import { isJsonObject, type JsonObject, type JsonValue, type Pdu } from 'federation-spec/events/event.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { matchesGlob } from 'federation-spec/push-rules/match-glob.ts';
import type { HotRoom } from './hot-room.ts';

/** So many servers' verdicts are remembered for one list: lists have hundreds of globs, and every event that comes in asks. */
const MAX_REMEMBERED_SERVERS = 10_000;
const remembered = new WeakMap<Pdu, Map<string, boolean>>();

/**
 * Whether the room's m.room.server_acl lets a server take part. Ports do not count, nor does case; a list that is no list is empty.
 * https://spec.matrix.org/latest/client-server-api/#server-access-control-lists-acls-for-rooms
 */
export function isServerAllowed(room: Pick<HotRoom, 'find'>, serverName: string): boolean {
  const acl = room.find('m.room.server_acl', '');
  if (acl === undefined) return true;
  const verdicts = remembered.get(acl) ?? new Map<string, boolean>();
  remembered.set(acl, verdicts);
  const known = verdicts.get(serverName);
  if (known !== undefined) return known;
  const isAllowed = isAllowedBy(acl.content, serverName);
  if (verdicts.size >= MAX_REMEMBERED_SERVERS) verdicts.clear();
  verdicts.set(serverName, isAllowed);
  return isAllowed;
}

/** Whether a list lets a server take part. */
export function isAllowedBy({ allow, deny, allow_ip_literals: allowIpLiterals }: JsonObject, serverName: string): boolean {
  const name = parseServerName(serverName);
  if (name === undefined) return false;
  if (allowIpLiterals === false && name.kind !== 'dns') return false;
  const host = name.host.toLowerCase();
  if (listGlobs(deny).some((glob) => matchesGlob(glob, host))) return false;
  return listGlobs(allow).some((glob) => matchesGlob(glob, host));
}

function listGlobs(value: JsonValue | undefined): string[] {
  if (value === undefined || isJsonObject(value) || !Array.isArray(value)) return [];
  return value.filter((glob) => typeof glob === 'string').map((glob) => glob.toLowerCase());
}
