import { verifyEd25519Sync } from '../crypto/ed25519.ts';
import { decodeBase64, decodeBase64Url } from '../encoding/base64.ts';
import { isJsonObject, type JsonObject, type JsonValue, type Pdu } from '../events/event.ts';
import { signableBytes } from '../signing/signable-bytes.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import type { AuthState } from './auth-state.ts';

/** At most so many (key, signature) pairs of one invitation are tried; a real one has one or two. */
const MAX_SIGNATURE_CHECKS = 64;
const SIGNATURE_ALGORITHM = 'ed25519:';

/**
 * Rule 5.4.1: an invitation to an e-mail address or a phone number is redeemed. The identity server's signature over `signed`
 * shows that the address belongs to the target; its keys are in the `m.room.third_party_invite` event the token names.
 *
 * https://spec.matrix.org/latest/client-server-api/#third-party-invites, https://spec.matrix.org/latest/rooms/v12/#authorisation-rules
 */
export function checkThirdPartyInvite(event: Pdu, target: string, state: AuthState): Verdict {
  const claim = event.content['third_party_invite'];
  const signed = isJsonObject(claim) ? claim['signed'] : undefined;
  if (!isJsonObject(signed)) return refuse('The third-party invite has no signed part.');
  const { mxid, token } = signed;
  if (mxid === undefined || typeof token !== 'string') return refuse('The signed part of the third-party invite needs mxid and token.');
  if (mxid !== target) return refuse(`The third-party invite is for ${JSON.stringify(mxid)}, not for ${target}.`);

  const invite = state.find('m.room.third_party_invite', token);
  if (invite === undefined) return refuse(`The room has no m.room.third_party_invite event with the token ${JSON.stringify(token)}.`);
  if (invite.sender !== event.sender) return refuse(`The third-party invite was made by ${invite.sender}, not by ${event.sender}.`);
  if (isSignedByAny(listPublicKeys(invite.content), signed)) return allow();
  return refuse('No key of the m.room.third_party_invite event has signed the third-party invite.');
}

function listPublicKeys(content: JsonObject): Uint8Array[] {
  const candidates: (JsonValue | undefined)[] = [content['public_key']];
  const more = content['public_keys'];
  if (Array.isArray(more)) for (const entry of more) candidates.push(isJsonObject(entry) ? entry['public_key'] : undefined);
  const texts = new Set(candidates.filter((candidate) => typeof candidate === 'string'));
  return [...texts].map((text) => decodeBase64(text) ?? decodeBase64Url(text)).filter((key) => key !== undefined);
}

function isSignedByAny(publicKeys: Uint8Array[], signed: JsonObject): boolean {
  const bytes = signableBytes(signed);
  let checks = 0;
  for (const signature of listSignatures(signed['signatures'])) {
    for (const publicKey of publicKeys) {
      checks += 1;
      if (checks > MAX_SIGNATURE_CHECKS) return false;
      if (verifyEd25519Sync(publicKey, signature, bytes)) return true;
    }
  }
  return false;
}

function* listSignatures(signatures: JsonValue | undefined): Generator<Uint8Array> {
  if (!isJsonObject(signatures)) return;
  for (const byKey of Object.values(signatures)) {
    if (!isJsonObject(byKey)) continue;
    for (const [keyId, text] of Object.entries(byKey)) {
      const signature = keyId.startsWith(SIGNATURE_ALGORITHM) && typeof text === 'string' ? decodeBase64(text) : undefined;
      if (signature !== undefined) yield signature;
    }
  }
}
