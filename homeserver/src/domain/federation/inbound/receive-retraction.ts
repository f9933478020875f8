import { listAuthEventIds } from 'federation-spec/events/edges.ts';
import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Sql } from '../../../storage/database.ts';
import { findUserNids } from '../../../storage/users.ts';
import { checkPdu } from '../../rooms/receive-pdu/check-pdu.ts';
import type { FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import type { InviteSource, RemoteStanding } from '../../rooms/remote-standing.ts';

/** Takes in that an invite of one of our users was taken back, or a knock refused, in a room we are not in. */
export type ReceiveRetraction = (pdu: JsonObject) => Promise<boolean>;

type Deps = { sql: Sql; standing: RemoteStanding; findServerKey: FindServerKey; serverName: string };

/**
 * We cannot judge such an event by the room's state, which we do not have. So it is believed only from somebody of a server that had a
 * part in what the user was shown of the room: who invited, or who made the room.
 */
export function createReceiveRetraction({ sql, standing, findServerKey, serverName }: Deps): ReceiveRetraction {
  return async (pdu) => {
    const { type, room_id: roomId, state_key: target, sender, content } = pdu;
    const isRetraction =
      type === 'm.room.member' &&
      isJsonObject(content) &&
      (content['membership'] === 'leave' || content['membership'] === 'ban') &&
      typeof target === 'string' &&
      typeof roomId === 'string' &&
      typeof sender === 'string';
    if (!isRetraction || parseUserId(target)?.serverName !== serverName) return false;
    // Nobody outside makes us remember users who are not here.
    const userNid = (await findUserNids(sql, [target])).get(target);
    if (userNid === undefined) return false;
    const known = await standing.find(roomId, userNid);
    const rules = known === undefined ? undefined : roomVersionRules(known.version);
    if (known === undefined || rules === undefined || (known.membership !== 'invite' && known.membership !== 'knock')) return false;
    const trusted = new Set(known.strippedState.map((event) => serverNameOf(event.sender)));
    if (!trusted.has(serverNameOf(sender))) return false;
    const check = await checkPdu(pdu, { roomId, rules }, findServerKey);
    if (!check.ok || isOlder(check.pdu.event, known.source)) return false;
    await standing.set({ roomId, version: known.version, userNid, membership: 'leave', strippedState: [] });
    return true;
  };
}

/** An invite goes straight to the server, while what took back an earlier one may still wait to be sent. */
function isOlder(event: Pdu, invite: InviteSource | undefined): boolean {
  if (invite === undefined || listAuthEventIds(event).includes(invite.event_id)) return false;
  return event.origin_server_ts < invite.origin_server_ts;
}
