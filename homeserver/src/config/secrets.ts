import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Random } from '../platform/random.ts';

export type SigningKey = { keyId: string; seed: Uint8Array };

/** What only this homeserver knows; made at the first start and kept in the data folder. */
export type Secrets = {
  /** The ed25519 key that signs events and requests to other servers. */
  signingKey: SigningKey;
  /** The keys that it signed with before, and until when (ms): what they signed then stays good. */
  oldSigningKeys: readonly (SigningKey & { expiredTs: number })[];
  /** The ed25519 seed that signs access tokens; never the federation's. */
  tokenSeed: Uint8Array;
  /** The key of HMACs over what is stored hashed: one-time codes, upload tickets, and the like. */
  pepper: Uint8Array;
  /** The P-256 private key by which push services of browsers know us. */
  vapidKey: Uint8Array;
};

const KEY_BYTES = 32;

/**
 * Reads the secrets from `<dataDir>/secrets.json`, or makes them. The file is readable by its owner only.
 *
 * @throws when the file is there but damaged: a new signing key would cut this server off from its own rooms, so it is never replaced
 */
export async function loadSecrets(dataDir: string, random: Random): Promise<Secrets> {
  const file = join(dataDir, 'secrets.json');
  const written = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (written !== undefined) {
    const { vapidKey, ...others } = parseSecrets(written, file);
    if (vapidKey !== undefined) return { ...others, vapidKey };
    const completed = { ...others, vapidKey: makeVapidKey(random) };
    await writePrivately(file, formatSecrets(completed));
    return completed;
  }

  const made: Secrets = {
    signingKey: makeSigningKey(random),
    oldSigningKeys: [],
    tokenSeed: random.bytes(KEY_BYTES),
    pepper: random.bytes(KEY_BYTES),
    vapidKey: makeVapidKey(random),
  };
  await writePrivately(file, formatSecrets(made));
  return made;
}

/**
 * Gives the server a new key to sign with; the one it has becomes an old one, at `now` (ms). Resolves with the new key's id. The homeserver
 * must not be running, and uses the new key from its next start on.
 */
export async function rotateSigningKey(dataDir: string, { random, now }: { random: Random; now: number }): Promise<string> {
  const secrets = await loadSecrets(dataDir, random);
  const signingKey = makeSigningKey(random);
  const oldSigningKeys = [...secrets.oldSigningKeys, { ...secrets.signingKey, expiredTs: now }];
  await writePrivately(join(dataDir, 'secrets.json'), formatSecrets({ ...secrets, signingKey, oldSigningKeys }));
  return signingKey.keyId;
}

function makeSigningKey(random: Random): SigningKey {
  return { keyId: `ed25519:${random.text(30).replace(/[^A-Za-z0-9]/g, '0')}`, seed: random.bytes(KEY_BYTES) };
}

/** A private key of P-256 is less than the order of the curve, which begins with a bit that is set. */
function makeVapidKey(random: Random): Uint8Array {
  const [first = 0, ...others] = random.bytes(KEY_BYTES);
  return Uint8Array.of(first & 0x7f, ...others);
}

function formatSecrets({ signingKey, oldSigningKeys, tokenSeed, pepper, vapidKey }: Secrets): string {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const shown = {
    signing_key_id: signingKey.keyId,
    signing_key: base64(signingKey.seed),
    token_key: base64(tokenSeed),
    pepper: base64(pepper),
    vapid_key: base64(vapidKey),
    old_signing_keys: oldSigningKeys.map((key) => ({ key_id: key.keyId, key: base64(key.seed), expired_ts: key.expiredTs })),
  };
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

/** The key for browsers and old signing keys came later: a file without them is whole. */
function parseSecrets(written: string, file: string): Omit<Secrets, 'vapidKey'> & { vapidKey?: Uint8Array } {
  const damaged = () =>
    new Error(`${file} is damaged. Restore it from a backup: it holds this server's signing key, which cannot be made anew.`);
  let object: unknown;
  try {
    object = JSON.parse(written);
  } catch {
    throw damaged();
  }
  const read = (key: string): string => {
    const value = typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[key] : undefined;
    if (typeof value !== 'string') throw damaged();
    return value;
  };
  const decode = (text: unknown): Uint8Array => {
    const value = new Uint8Array(typeof text === 'string' ? Buffer.from(text, 'base64') : []);
    if (value.length !== KEY_BYTES) throw damaged();
    return value;
  };
  const bytes = (key: string): Uint8Array => decode(read(key));
  const readOldKeys = (): Secrets['oldSigningKeys'] => {
    const list: unknown = (object as Record<string, unknown>)['old_signing_keys'] ?? [];
    if (!Array.isArray(list)) throw damaged();
    return list.map((entry: Record<string, unknown>) => {
      const { key_id: keyId, key, expired_ts: expiredTs } = entry;
      if (typeof keyId !== 'string' || typeof expiredTs !== 'number') throw damaged();
      return { keyId, seed: decode(key), expiredTs };
    });
  };
  return {
    signingKey: { keyId: read('signing_key_id'), seed: bytes('signing_key') },
    oldSigningKeys: readOldKeys(),
    tokenSeed: bytes('token_key'),
    pepper: bytes('pepper'),
    ...(typeof object === 'object' && object !== null && 'vapid_key' in object ? { vapidKey: bytes('vapid_key') } : {}),
  };
}

/** Writes a file that others cannot read, whole or not at all. */
async function writePrivately(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
