import { signEd25519, verifyEd25519 } from '../crypto/ed25519.ts';
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts';
import { isJsonObject, type Signatures } from '../events/event.ts';
import { findSignableBytes, signableBytes } from './signable-bytes.ts';

/** Who signs, and with what: a server (or, for a user's keys, a user), the id of its key (`ed25519:…`) and that key's seed of 32 bytes. */
export type Signer = { serverName: string; keyId: string; seed: Uint8Array };

/** Whose signature is checked: `publicKey` are the 32 bytes that the server published under `keyId`. */
export type SignatureCheck = { serverName: string; keyId: string; publicKey: Uint8Array };

/**
 * The object with our signature beside those it already had.
 *
 * https://spec.matrix.org/latest/appendices/#signing-json
 */
export async function signJson<T extends object>(object: T, signer: Signer): Promise<T & { signatures: Signatures }> {
  const signature = encodeBase64(await signEd25519(signer.seed, signableBytes(object)));
  return { ...object, signatures: addSignature(object, signer, signature) };
}

/**
 * Whether the object carries a good signature of this server under this key.
 *
 * https://spec.matrix.org/latest/appendices/#checking-for-a-signature
 */
export async function verifyJson(object: object, check: SignatureCheck): Promise<boolean> {
  const signature = findSignature(object, check.serverName, check.keyId);
  if (signature === undefined) return false;
  const bytes = findSignableBytes(object);
  return bytes !== undefined && (await verifyEd25519(check.publicKey, signature, bytes));
}

/** The ids of the ed25519 keys with which a server (or user) claims to have signed the object. */
export function listSigningKeyIds(object: object, serverName: string): string[] {
  const signatures = ownValue(ownValue(object, 'signatures'), serverName);
  return isJsonObject(signatures) ? Object.keys(signatures).filter((keyId) => keyId.startsWith('ed25519:')) : [];
}

/** The signatures of an object with one more. */
export function addSignature(object: object, { serverName, keyId }: Signer, signature: string): Signatures {
  const signatures = ownValue(object, 'signatures');
  const others: Signatures = isJsonObject(signatures) ? (signatures as Signatures) : {};
  return { ...others, [serverName]: { ...(Object.hasOwn(others, serverName) ? others[serverName] : undefined), [keyId]: signature } };
}

function findSignature(object: object, serverName: string, keyId: string): Uint8Array | undefined {
  const signature = ownValue(ownValue(ownValue(object, 'signatures'), serverName), keyId);
  return typeof signature === 'string' ? decodeBase64(signature) : undefined;
}

function ownValue(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined;
}
