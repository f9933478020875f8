import { getAccountData } from 'federation-spec/api/client/account-data.ts';
import type { ClientContext } from '../client-context.ts';
import { RequestError } from '../http/request-error.ts';
import { isJsonObject, type JsonObject, numberIn, objectIn, stringIn } from '../json.ts';
import { randomBytes, randomId } from '../random-id.ts';
import { RecoveryError } from './encryption.ts';
import { decodeRecoveryKey, encodeRecoveryKey } from './recovery-key.ts';
import { decryptSecret, deriveKeyFromPassphrase, describeKey, encryptSecret, isDescribedKey } from './secret-storage-cipher.ts';

const DEFAULT_KEY = 'm.secret_storage.default_key';
const KEY_PREFIX = 'm.secret_storage.key.';
const KEY_BYTES = 32;
/** More would keep the device busy for minutes: the description comes from the server. */
const MAX_PBKDF2_ITERATIONS = 10_000_000;

export type StorageKey = { keyId: string; key: Uint8Array };

/** Secrets in account data, encrypted so that only who holds the recovery key can read them. https://spec.matrix.org/latest/client-server-api/#secrets */
export type SecretStorage = {
  hasDefaultKey(): Promise<boolean>;
  /** Makes a new key, not yet the default one: `useKey` once all secrets are stored under it. */
  createKey(): Promise<StorageKey & { recoveryKey: string }>;
  useKey(key: StorageKey): Promise<void>;
  /** The default key, from what a user typed. Throws `RecoveryError` when it is not the one. */
  unlock(typed: string): Promise<StorageKey>;
  store(key: StorageKey, name: string, secret: string): Promise<void>;
  /** Nothing when there is no such secret, or not under this key. */
  read(key: StorageKey, name: string): Promise<string | undefined>;
};

export function createSecretStorage({
  http,
  ownUserId,
  setAccountData,
}: Pick<ClientContext, 'http' | 'ownUserId' | 'setAccountData'>): SecretStorage {
  /** Always asks the server: another device may just have changed it. */
  async function load(type: string): Promise<JsonObject | undefined> {
    try {
      const content: unknown = await http.request(getAccountData, { params: { userId: ownUserId, type }, patient: true });
      return isJsonObject(content) ? content : undefined;
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return undefined;
      throw error;
    }
  }

  async function loadDefaultKeyId(): Promise<string | undefined> {
    return stringIn(await load(DEFAULT_KEY), 'key');
  }

  return {
    hasDefaultKey: async () => (await loadDefaultKeyId()) !== undefined,
    async createKey() {
      const key = randomBytes(KEY_BYTES);
      const keyId = randomId();
      await setAccountData(KEY_PREFIX + keyId, await describeKey(key));
      return { keyId, key, recoveryKey: encodeRecoveryKey(key) };
    },
    useKey: ({ keyId }) => setAccountData(DEFAULT_KEY, { key: keyId }),
    async unlock(typed) {
      const keyId = await loadDefaultKeyId();
      const description = keyId === undefined ? undefined : await load(KEY_PREFIX + keyId);
      if (keyId === undefined || description === undefined) throw new RecoveryError('This account has no recovery key');
      const key = decodeRecoveryKey(typed) ?? (await keyFromPassphrase(typed, objectIn(description, 'passphrase')));
      if (key === undefined) throw new RecoveryError('This is not a recovery key: check for typing mistakes');
      if (!(await isDescribedKey(key, description)))
        throw new RecoveryError('This recovery key belongs to another account, or was replaced');
      return { keyId, key };
    },
    async store({ keyId, key }, name, secret) {
      const known = objectIn(await load(name), 'encrypted');
      await setAccountData(name, { encrypted: { ...known, [keyId]: await encryptSecret(key, name, secret) } });
    },
    async read({ keyId, key }, name) {
      const encrypted = objectIn(objectIn(await load(name), 'encrypted'), keyId);
      return encrypted === undefined ? undefined : await decryptSecret(key, name, encrypted);
    },
  };
}

async function keyFromPassphrase(typed: string, passphrase: JsonObject | undefined): Promise<Uint8Array | undefined> {
  const salt = stringIn(passphrase, 'salt');
  const iterations = numberIn(passphrase, 'iterations');
  if (stringIn(passphrase, 'algorithm') !== 'm.pbkdf2' || salt === undefined || iterations === undefined) return undefined;
  if (iterations < 1 || iterations > MAX_PBKDF2_ITERATIONS) return undefined;
  return await deriveKeyFromPassphrase(typed, salt, iterations);
}
