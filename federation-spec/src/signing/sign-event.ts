import { signEd25519 } from '../crypto/ed25519.ts';
import { encodeBase64 } from '../encoding/base64.ts';
import { contentHash } from '../events/content-hash.ts';
import type { Pdu, PduDraft } from '../events/event.ts';
import { redactEvent } from '../events/redact-event.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { addSignature, type Signer } from './sign-json.ts';
import { signableBytes } from './signable-bytes.ts';

/**
 * The event with its content hash and our signature over its redacted form, so that the signature outlives a redaction.
 * Signatures it already had are kept. Sign someone else's event with `addEventSignature`, which leaves its hash alone.
 *
 * https://spec.matrix.org/latest/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export async function signEvent(event: PduDraft, rules: RoomVersionRules, signer: Signer): Promise<Pdu> {
  return await addEventSignature({ ...event, hashes: { sha256: contentHash(event) }, signatures: event.signatures ?? {} }, rules, signer);
}

/** The event with our signature beside those it has: for invites and restricted joins, which two servers sign. */
export async function addEventSignature(event: Pdu, rules: RoomVersionRules, signer: Signer): Promise<Pdu> {
  const signature = await signEd25519(signer.seed, signableBytes(redactEvent(event, rules)));
  return { ...event, signatures: addSignature(event, signer, encodeBase64(signature)) };
}
