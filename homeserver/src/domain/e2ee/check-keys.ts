import { checkCanonicalJson } from 'federation-spec/canonical-json/check-canonical-json.ts';
import { decodeBase64 } from 'federation-spec/encoding/base64.ts';
import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { parseKeyId } from 'federation-spec/identifiers/key-id.ts';
import { verifyJson } from 'federation-spec/signing/sign-json.ts';
import { allow, refuse, type Verdict } from 'federation-spec/verdict.ts';

/** The public half of an Ed25519 or Curve25519 key. */
const PUBLIC_KEY_BYTES = 32;
/** An Ed25519 signature. */
const SIGNATURE_BYTES = 64;
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
 * Whether device keys are what a server may store and pass on: of that person and device, of canonical JSON, of the right types, and
 * not signed falsely. What is not signed at all harms nobody but its owner: no client believes it.
 * https://spec.matrix.org/latest/client-server-api/#device-keys
 */
export async function checkDeviceKeys(keys: unknown, owner: { userId: string; deviceId: string }): Promise<Verdict> {
  const { userId, deviceId } = owner;
  const sound = checkKeyJson(keys);
  if (!sound.allowed) return sound;
  if ((own(keys, 'user_id') ?? userId) !== userId) return refuse(`The device keys name another user than ${userId}`);
  if ((own(keys, 'device_id') ?? deviceId) !== deviceId) return refuse(`The device keys name another device than ${deviceId}`);
  const algorithms = own(keys, 'algorithms') ?? [];
  if (!Array.isArray(algorithms) || algorithms.length > MAX_ALGORITHMS || algorithms.some((name) => typeof name !== 'string')) {
    return refuse('The algorithms of the device keys are no list of names');
  }
  const publicKeys = own(keys, 'keys') ?? {};
  if (!isJsonObject(publicKeys) || Object.keys(publicKeys).length > MAX_KEYS_PER_OBJECT)
    return refuse('The keys of the device are no keys');
  if (Object.values(publicKeys).some((key) => typeof key !== 'string')) return refuse('The keys of the device are no texts');
  const isTrue = await isSignedTrulyOrNot(keys, { userId, deviceId, publicKey: signingKeyOf(keys, deviceId) });
  return isTrue ? allow() : refuse('The device keys are not signed by the device');
}

type SigningDevice = { userId: string; deviceId: string; publicKey: Uint8Array | undefined };

/**
 * Whether a one-time or fallback key is sound, and not signed falsely in its device's name.
 * https://spec.matrix.org/latest/client-server-api/#one-time-and-fallback-keys
 */
export async function checkOneTimeKey(fullId: string, key: unknown, device: SigningDevice): Promise<Verdict> {
  const id = parseKeyId(fullId);
  if (id === undefined || id.name.includes(':') || Buffer.byteLength(fullId) > MAX_ID_BYTES)
    return refuse(`${fullId} is no id of a one-time key`);
  if (typeof key === 'string') return Buffer.byteLength(key) > MAX_KEY_BYTES ? refuse(`The key ${fullId} is too long`) : allow();
  const sound = checkKeyJson(key);
  if (!sound.allowed) return sound;
  if (id.algorithm !== SIGNED_CURVE25519) return allow();
  if (typeof own(key, 'key') !== 'string') return refuse(`The key ${fullId} is no key`);
  return (await isSignedTrulyOrNot(key, device)) ? allow() : refuse(`The key ${fullId} is not signed by the device`);
}

/** False for what claims a device's signature and does not have it. */
async function isSignedTrulyOrNot(object: unknown, { userId, deviceId, publicKey }: SigningDevice): Promise<boolean> {
  const keyId = `ed25519:${deviceId}`;
  const claimed = own(own(own(object, 'signatures'), userId), keyId);
  const signature = typeof claimed === 'string' ? decodeBase64(claimed) : undefined;
  if (publicKey === undefined || signature?.length !== SIGNATURE_BYTES || !isJsonObject(object)) return true;
  return await verifyJson(object, { serverName: userId, keyId, publicKey });
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

/**
 * The keys of a device as another server is told them: with what is not signed, even if it is nothing. Servers in use pass on its absence as
 * `null`, and their clients then do not take the keys.
 */
export function withUnsigned(keys: JsonObject): JsonObject {
  return { ...keys, unsigned: keys['unsigned'] ?? {} };
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
