import type { Pdu } from 'federation-spec/events/event.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { listSigningKeyIds } from 'federation-spec/signing/sign-json.ts';
import { listRequiredSigners, verifyEventSignature } from 'federation-spec/signing/verify-event.ts';
import { allow, refuse, type Verdict } from 'federation-spec/verdict.ts';
import type { FindServerKey } from './room-peers.ts';

/** Most signatures of one server that are looked at. */
const MAX_KEYS_TRIED = 5;

/**
 * Whether every server that must have signed the event did so, with a key that was valid at its `origin_server_ts`.
 * Signatures under unknown or expired keys are passed over.
 *
 * https://spec.matrix.org/latest/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export async function checkSignatures(event: Pdu, rules: RoomVersionRules, findServerKey: FindServerKey): Promise<Verdict> {
  for (const serverName of listRequiredSigners(event, rules)) {
    const verdict = await checkServerSignature(event, serverName, rules, findServerKey);
    if (!verdict.allowed) return verdict;
  }
  return allow();
}

/** Whether this one server signed the event with a key that was valid then. */
export async function checkServerSignature(
  event: Pdu,
  serverName: string,
  rules: RoomVersionRules,
  findServerKey: FindServerKey,
): Promise<Verdict> {
  if (parseServerName(serverName) === undefined) return refuse(`${serverName} names no server that could have signed the event.`);
  let wrong: string | undefined;
  const purpose = { at: event.origin_server_ts, enforcesValidity: rules.enforcesKeyValidity };
  for (const keyId of listSigningKeyIds(event, serverName).slice(0, MAX_KEYS_TRIED)) {
    const publicKey = await findServerKey(serverName, keyId, purpose);
    if (publicKey === undefined) continue;
    if (await verifyEventSignature(event, rules, { serverName, keyId, publicKey })) return allow();
    wrong = keyId; // Others may have put it there: one good signature is enough.
  }
  if (wrong !== undefined) return refuse(`The signature of ${serverName} under ${wrong} is wrong.`);
  return refuse(`The event has no signature of ${serverName} under a key that was valid when it was made.`);
}
