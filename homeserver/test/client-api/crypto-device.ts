import { randomBytes } from 'node:crypto';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import { signJson } from 'federation-spec/signing/sign-json.ts';
import type { TestUser } from '../kit/test-user.ts';

/** A key pair whose id in signatures is its own public key, or a device's id. */
export function createKeyPair() {
  const seed = new Uint8Array(randomBytes(32));
  return { seed, publicKey: encodeBase64(ed25519PublicKey(seed)) };
}
export type KeyPair = ReturnType<typeof createKeyPair>;

export const randomKey = () => encodeBase64(new Uint8Array(randomBytes(32)));

/** Signs as a user, with the key of a device or of cross-signing. */
export async function signAs<T extends object>(object: T, userId: string, keyName: string, seed: Uint8Array) {
  return await signJson(object, { serverName: userId, keyId: `ed25519:${keyName}`, seed });
}

/** The keys of a device, as a client with Olm has them. */
export async function createDeviceKeys(user: Pick<TestUser, 'id' | 'deviceId'>, pair: KeyPair = createKeyPair()) {
  const keys = {
    user_id: user.id,
    device_id: user.deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    keys: { [`curve25519:${user.deviceId}`]: randomKey(), [`ed25519:${user.deviceId}`]: pair.publicKey },
  };
  return await signAs(keys, user.id, user.deviceId, pair.seed);
}

export async function createOneTimeKey(user: Pick<TestUser, 'id' | 'deviceId'>, pair: KeyPair, extra: object = {}) {
  return await signAs({ key: randomKey(), ...extra }, user.id, user.deviceId, pair.seed);
}

/** Uploads a device's keys and some one-time keys; gives the device's key pair. */
export async function setUpDevice(user: TestUser, oneTimeKeys = 0) {
  const pair = createKeyPair();
  const keys: Record<string, unknown> = {};
  for (let i = 0; i < oneTimeKeys; i += 1) keys[`signed_curve25519:K${i}`] = await createOneTimeKey(user, pair);
  const deviceKeys = await createDeviceKeys(user, pair);
  await user.call('POST', '/_matrix/client/v3/keys/upload', { device_keys: deviceKeys, one_time_keys: keys });
  return { pair, deviceKeys };
}

/** A person's three cross-signing keys, signed as they must be. */
export async function createCrossSigning(user: TestUser, device: KeyPair) {
  const [master, selfSigning, userSigning] = [createKeyPair(), createKeyPair(), createKeyPair()];
  const key = (usage: string, { publicKey }: KeyPair) => ({
    user_id: user.id,
    usage: [usage],
    keys: { [`ed25519:${publicKey}`]: publicKey },
  });
  const upload = {
    master_key: await signAs(key('master', master), user.id, user.deviceId, device.seed),
    self_signing_key: await signAs(key('self_signing', selfSigning), user.id, master.publicKey, master.seed),
    user_signing_key: await signAs(key('user_signing', userSigning), user.id, master.publicKey, master.seed),
  };
  return { master, selfSigning, userSigning, upload };
}
