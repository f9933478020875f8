import { isJsonObject, type Pdu } from '../events/event.ts';
import { redactEvent } from '../events/redact-event.ts';
import { serverNameOf } from '../identifiers/server-name.ts';
import { parseUserId } from '../identifiers/user-id.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { type SignatureCheck, verifyJson } from './sign-json.ts';

const VOUCHER = 'join_authorised_via_users_server';

/**
 * The servers whose signatures an event must carry.
 *
 * 1. The sender's, unless the event is an invite by way of a third-party identifier, which another server may send.
 * 2. In room versions 1 and 2 the one in the event's id.
 * 3. Where restricted joins exist, that of the user who vouched for the join. What names no user stands as JSON, which is no server's name.
 *
 * https://spec.matrix.org/latest/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function listRequiredSigners(event: Pdu, rules: RoomVersionRules): string[] {
  const signers = new Set<string | undefined>();
  if (!isThirdPartyInvite(event)) signers.add(serverNameOf(event.sender)); // 1
  if (rules.eventIdFormat === 'chosen-by-server') signers.add(serverNameOf(event.event_id ?? '')); // 2
  if (rules.restrictedJoins && event.type === 'm.room.member' && Object.hasOwn(event.content, VOUCHER)) {
    const voucher = event.content[VOUCHER]; // 3
    const user = typeof voucher === 'string' ? parseUserId(voucher) : undefined;
    signers.add(user?.serverName ?? JSON.stringify(voucher));
  }
  return [...signers].filter((serverName) => serverName !== undefined);
}

/**
 * Whether the event carries a good signature of this server under this key. It holds for the event and its redacted copy alike.
 * Whether the key was valid when the event was sent is for the caller, who knows the keys.
 */
export async function verifyEventSignature(event: Pdu, rules: RoomVersionRules, check: SignatureCheck): Promise<boolean> {
  return await verifyJson(redactEvent(event, rules), check);
}

function isThirdPartyInvite(event: Pdu): boolean {
  return event.type === 'm.room.member' && event.content['membership'] === 'invite' && isJsonObject(event.content['third_party_invite']);
}
