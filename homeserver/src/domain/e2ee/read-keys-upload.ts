import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { parseKeyId } from 'federation-spec/identifiers/key-id.ts';
import { invalidParam, tooLarge } from '../../platform/matrix-error.ts';
import type { OneTimeKey } from '../../storage/one-time-keys.ts';
import { checkDeviceKeys, checkOneTimeKey, own, parseKey, signingKeyOf, withoutUnsigned } from './check-keys.ts';

const MAX_KEYS_PER_UPLOAD = 500;

/** Keys of one device as a client uploads them. */
export type KeysUpload = {
  deviceKeys?: unknown;
  /** By `<algorithm>:<key id>`. */
  oneTimeKeys?: Readonly<Record<string, unknown>> | undefined;
  fallbackKeys?: Readonly<Record<string, unknown>> | undefined;
};

/** Keys that passed every check, ready to be stored. */
export type ReadKeysUpload = { keys: JsonObject | undefined; oneTime: OneTimeKey[]; fallback: OneTimeKey[] };

type Owner = { userId: string; deviceId: string };

/**
 * Checks an upload as a whole. One-time keys are signed with the device's key: that of the same upload, or else the stored one.
 *
 * @param findStored the device's stored keys, as JSON text
 * @throws M_INVALID_PARAM, M_TOO_LARGE
 */
export async function readKeysUpload(
  owner: Owner,
  { deviceKeys, oneTimeKeys, fallbackKeys }: KeysUpload,
  findStored: () => Promise<string | undefined>,
): Promise<ReadKeysUpload> {
  const keys = await readDeviceKeys(owner, deviceKeys);
  const stored = keys === undefined ? await findStored() : undefined;
  const publicKey = signingKeyOf(keys ?? (stored === undefined ? undefined : parseKey(stored)), owner.deviceId);
  const oneTime = await readOneTimeKeys(owner, publicKey, oneTimeKeys);
  const fallback = await readOneTimeKeys(owner, publicKey, fallbackKeys);
  if (new Set(fallback.map(({ algorithm }) => algorithm)).size < fallback.length)
    throw invalidParam('There is one fallback key per algorithm');
  return { keys, oneTime, fallback };
}

async function readDeviceKeys(owner: Owner, given: unknown): Promise<JsonObject | undefined> {
  if (given === undefined || given === null) return undefined;
  if (own(given, 'user_id') === undefined || own(given, 'device_id') === undefined)
    throw invalidParam('The device keys must name their user_id and device_id');
  const verdict = await checkDeviceKeys(given, owner);
  if (!verdict.allowed || !isJsonObject(given)) throw invalidParam(verdict.allowed ? 'The device keys are no object' : verdict.reason);
  return withoutUnsigned(given);
}

async function readOneTimeKeys(
  owner: Owner,
  publicKey: Uint8Array | undefined,
  given: Readonly<Record<string, unknown>> | undefined,
): Promise<OneTimeKey[]> {
  const entries = Object.entries(given ?? {});
  if (entries.length > MAX_KEYS_PER_UPLOAD) throw tooLarge(`At most ${MAX_KEYS_PER_UPLOAD} keys can be uploaded at once`);
  return await Promise.all(
    entries.map(async ([fullId, key]) => {
      const verdict = await checkOneTimeKey(fullId, key, { ...owner, publicKey });
      if (!verdict.allowed) throw invalidParam(verdict.reason);
      const id = parseKeyId(fullId);
      if (id === undefined) throw invalidParam(`${fullId} is no id of a key`);
      return { algorithm: id.algorithm, keyId: id.name, key: JSON.stringify(key) };
    }),
  );
}
