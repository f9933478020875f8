import { checkCanonicalJson } from 'federation-spec/canonical-json/check-canonical-json.ts';
import { decodeBase64 } from 'federation-spec/encoding/base64.ts';
import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { parseKeyId } from 'federation-spec/identifiers/key-id.ts';
import { verifyJson } from 'federation-spec/signing/sign-json.ts';
import { allow, refuse, type Verdict } from 'federation-spec/verdict.ts';

/** The public half of an Ed25519 or Curve25519 key. */
const PUBLIC_KEY_BYTES = 32;
/** The keys of one device, the JSON of one one-time key. Larger ones would not pass through other servers. */
const MAX_KEY_BYTES = 16_384;
const MAX_KEYS_PER_OBJECT = 16;
const MAX_ALGORITHMS = 32;
const MAX_ID_BYTES = 255;
const SIGNED_CURVE25519 = 'signed_curve25519';

/** A value under a key of the object's own. */
export function own(object: unknown, key: string): JsonValue | undefined {
  return isJsonObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A public key in unpadded base64; undefined when it is not one. */
export function decodePublicKey(text: unknown): Uint8Array | undefined {
  const bytes = typeof text === 'string' ? decodeBase64(text) : undefined;
  return bytes?.length === PUBLIC_KEY_BYTES ? bytes : undefined;
}

/** The public key a device signs with, from its stored or uploaded keys. */
export function signingKeyOf(deviceKeys: unknown, deviceId: string): Uint8Array | undefined {
  return decodePublicKey(own(own(deviceKeys, 'keys'), `ed25519:${deviceId}`));
}

/**
 * Whether device keys are what their owner's server may store and pass on: of that person and device, of canonical JSON, with sound
 * keys, signed by the device itself. https://spec.matrix.org/latest/client-server-api/#device-keys
 */
export async function checkDeviceKeys(keys: unknown, owner: { userId: string; deviceId: string }): Promise<Verdict> {
  const { userId, deviceId } = owner;
  const sound = checkKeyJson(keys);
  if (!sound.allowed) return sound;
  if (own(keys, 'user_id') !== userId) return refuse(`The device keys name another user than ${userId}`);
  if (own(keys, 'device_id') !== deviceId) return refuse(`The device keys name another device than ${deviceId}`);
  const algorithms = own(keys, 'algorithms');
  if (!Array.isArray(algorithms) || algorithms.length > MAX_ALGORITHMS || algorithms.some((name) => typeof name !== 'string')) {
    return refuse('The device keys have no list of algorithms');
  }
  const publicKeys = own(keys, 'keys');
  if (!isJsonObject(publicKeys) || Object.keys(publicKeys).length > MAX_KEYS_PER_OBJECT) return refuse('The device keys have no keys');
  for (const [keyId, key] of Object.entries(publicKeys)) {
    if (!keyId.endsWith(`:${deviceId}`)) return refuse(`The key ${keyId} is not of the device ${deviceId}`);
    const isKnown = keyId.startsWith('ed25519:') || keyId.startsWith('curve25519:');
    if (isKnown ? decodePublicKey(key) === undefined : typeof key !== 'string') return refuse(`The key ${keyId} is no key`);
  }
  const publicKey = signingKeyOf(keys, deviceId);
  if (publicKey === undefined) return refuse(`The device keys have no key ed25519:${deviceId}`);
  const isSigned = await verifyJson(keys as object, { serverName: userId, keyId: `ed25519:${deviceId}`, publicKey });
  return isSigned ? allow() : refuse('The device keys are not signed by the device');
}

/**
 * Whether a one-time or fallback key is sound, and signed by its device where its algorithm says so.
 * https://spec.matrix.org/latest/client-server-api/#one-time-and-fallback-keys
 */
export async function checkOneTimeKey(
  fullId: string,
  key: unknown,
  device: { userId: string; deviceId: string; publicKey: Uint8Array | undefined },
): Promise<Verdict> {
  const id = parseKeyId(fullId);
  if (id === undefined || id.name.includes(':') || Buffer.byteLength(fullId) > MAX_ID_BYTES)
    return refuse(`${fullId} is no id of a one-time key`);
  if (typeof key === 'string') return decodePublicKey(key) === undefined ? refuse(`The key ${fullId} is no key`) : allow();
  const sound = checkKeyJson(key);
  if (!sound.allowed) return sound;
  if (id.algorithm !== SIGNED_CURVE25519) return allow();
  if (decodePublicKey(own(key, 'key')) === undefined) return refuse(`The key ${fullId} is no key`);
  if (device.publicKey === undefined) return refuse('The device has no keys yet that a one-time key could be signed with');
  const check = { serverName: device.userId, keyId: `ed25519:${device.deviceId}`, publicKey: device.publicKey };
  return (await verifyJson(key as object, check)) ? allow() : refuse(`The key ${fullId} is not signed by the device`);
}

/** The public key of a cross-signing key: it names exactly one, under an id that is the key itself. */
export function crossSigningPublicKey(key: unknown): string | undefined {
  const keys = own(key, 'keys');
  if (!isJsonObject(keys)) return undefined;
  const [entry, ...others] = Object.entries(keys);
  if (entry === undefined || others.length > 0) return undefined;
  const [keyId, publicKey] = entry;
  return typeof publicKey === 'string' && keyId === `ed25519:${publicKey}` && decodePublicKey(publicKey) !== undefined
    ? publicKey
    : undefined;
}

/** Whether a cross-signing key is of this person and use, and sound. Its signatures are another matter. */
export function checkCrossSigningKey(key: unknown, { userId, usage }: { userId: string; usage: string }): Verdict {
  const sound = checkKeyJson(key);
  if (!sound.allowed) return sound;
  if (own(key, 'user_id') !== userId) return refuse(`The ${usage} key names another user than ${userId}`);
  const usages = own(key, 'usage');
  if (!Array.isArray(usages) || !usages.includes(usage)) return refuse(`The ${usage} key is not for that use`);
  return crossSigningPublicKey(key) === undefined ? refuse(`The ${usage} key must hold exactly one key`) : allow();
}

/** Whether an object is signed with a cross-signing key of a person. */
export async function isSignedWith(object: object, userId: string, publicKey: string): Promise<boolean> {
  const bytes = decodePublicKey(publicKey);
  return bytes !== undefined && (await verifyJson(object, { serverName: userId, keyId: `ed25519:${publicKey}`, publicKey: bytes }));
}

function checkKeyJson(value: unknown): Verdict {
  if (!isJsonObject(value)) return refuse('A key must be an object');
  const canonical = checkCanonicalJson(value, { numbers: 'canonical' });
  if (!canonical.allowed) return canonical;
  return Buffer.byteLength(JSON.stringify(value)) > MAX_KEY_BYTES ? refuse(`A key may have at most ${MAX_KEY_BYTES} bytes`) : allow();
}

/** The object without what is not signed. */
export function withoutUnsigned(object: JsonObject): JsonObject {
  const { unsigned: _unsigned, ...signed } = object;
  return signed;
}

/** The object without signatures either: what two copies of one key have in common. */
export function bareKey(object: JsonObject): JsonObject {
  const { signatures: _signatures, ...bare } = withoutUnsigned(object);
  return bare;
}

export function parseKey(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error('a stored key is no object');
  return value;
}
