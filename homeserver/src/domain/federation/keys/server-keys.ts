import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { getServerKey } from 'federation-spec/api/server/keys.ts';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Database } from '../../../storage/database.ts';
import { forgetServerKeys, listServerKeys, type ServerKey, saveServerKeys } from '../../../storage/server-keys.ts';
import { NotAskedError, type Urgency } from '../circuit-breaker.ts';
import type { FederationClient } from '../federation-client.ts';
import { createSlots } from '../outbound/slots.ts';
import type { AskNotaries } from './ask-notaries.ts';
import type { OldKey } from './own-keys.ts';
import type { WantedKeys } from './question-batcher.ts';
import { readKeyList, validUntil } from './read-key-list.ts';

const MAX_CACHED_SERVERS = 10_000;
const FETCH_TIMEOUT_MS = 10_000;
const MAX_LIST_BYTES = 32 * 1024;
/** Of how many servers the keys are kept in the database; every so many lists, those that are too many are forgotten. */
const MAX_KEPT_SERVERS = 100_000;
const FORGET_EVERY = 1_000;
/** How many servers are asked for their keys at a time. */
const MAX_PARALLEL_FETCHES = 64;
/** A server whose keys could not be had, or lacked the one asked for, is not asked again for so long. */
const RETRY_AFTER_MS = 60_000;
/** The same for a server that is asking us something: it may have come back just now. */
const RETRY_CALLER_AFTER_MS = 10_000;

const MAX_FETCHES_FOR_ONE = 2;

/** What a key must have been good for. */
export type KeyPurpose = {
  /** When the signature was made, in ms. */
  at: number;
  /** Old room versions take a signature under any key the server ever had. */
  enforcesValidity: boolean;
  /** The server itself is asking us something: it is worth a try, however it answered last. */
  isCalling?: boolean;
};

export type ServerKeyring = {
  /** The public key, or `undefined` when the server has no such key or it was not valid then. */
  find: (serverName: string, keyId: string, purpose: KeyPurpose) => Promise<Uint8Array | undefined>;
  /** The same from what is known here. `mayAsk`: the server could be asked, and may then have it. */
  findKnown: (serverName: string, keyId: string, purpose: KeyPurpose) => Promise<{ publicKey: Uint8Array | undefined; mayAsk: boolean }>;
  /** Asks the server for its keys now; notaries, when it does not answer, for those that are wanted. `undefined` when there is no good list. */
  fetch: (serverName: string, urgency?: Urgency, wanted?: WantedKeys) => Promise<ServerKeys | undefined>;
};

type Deps = {
  database: Database;
  client: FederationClient;
  signer: Signer;
  oldKeys: readonly OldKey[];
  notaries: readonly string[];
  askNotaries: AskNotaries;
  clock: Clock;
  logger: Logger;
};

/** The keys of other servers: remembered, and fetched when they are not known or no longer valid; from notaries when their server is silent. */
export function createServerKeyring({ database, client, signer, oldKeys, notaries, askNotaries, clock, logger }: Deps): ServerKeyring {
  const known = new LRUCache<string, Promise<ServerKey[]>>({ max: MAX_CACHED_SERVERS });
  const slots = createSlots(MAX_PARALLEL_FETCHES);
  const fetches = new Map<string, Promise<ServerKeys | undefined>>();
  let kept = 0;
  const lastFetches = new LRUCache<string, { at: number; wasAsked: boolean }>({ max: MAX_CACHED_SERVERS });
  const ownKeys = [
    { keyId: signer.keyId, publicKey: ed25519PublicKey(signer.seed), validUntil: Number.POSITIVE_INFINITY, expiredTs: null },
    ...oldKeys.map(({ keyId, seed, expiredTs }) => ({ keyId, publicKey: ed25519PublicKey(seed), validUntil: expiredTs, expiredTs })),
  ];

  async function listKnown(serverName: string): Promise<ServerKey[]> {
    const cached = known.get(serverName);
    if (cached !== undefined) return await cached;
    const reading = listServerKeys(database.sql, serverName);
    known.set(serverName, reading);
    reading.catch(() => {
      if (known.get(serverName) === reading) known.delete(serverName);
    });
    return await reading;
  }

  async function fetchNow(serverName: string, urgency: Urgency, wanted: WantedKeys): Promise<ServerKeys | undefined> {
    const last = { at: clock.now(), wasAsked: true };
    lastFetches.set(serverName, last);
    try {
      const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_LIST_BYTES, urgency };
      const list = await slots.run(() => client.call(serverName, getServerKey, {}, limits));
      if (!(await keep(serverName, list))) throw new Error('the list of keys is not about this server, or not signed by it');
      return list;
    } catch (error) {
      last.wasAsked = !(error instanceof NotAskedError);
      logger.info({ serverName, reason: error instanceof Error ? error.message : String(error) }, 'the keys of a server could not be had');
      return notaries.includes(serverName) ? undefined : await fetchFromNotaries(serverName, wanted);
    }
  }

  /** A notary cannot change what we know of a key, only tell of further ones, or that a key is good for longer. */
  async function fetchFromNotaries(serverName: string, wanted: WantedKeys): Promise<ServerKeys | undefined> {
    let newest: ServerKeys | undefined;
    for (const list of await askNotaries(serverName, wanted, keyring.find)) {
      if (!(await keep(serverName, list))) continue;
      if (newest === undefined || list.valid_until_ts > newest.valid_until_ts) newest = list;
    }
    return newest;
  }

  async function keep(serverName: string, list: ServerKeys): Promise<boolean> {
    const fetchedAt = clock.now();
    const keys = await readKeyList(list, serverName, fetchedAt);
    if (keys === undefined) return false;
    const row = { serverName, fetchedAt, validUntil: validUntil(list, fetchedAt), json: JSON.stringify(list) };
    await database.sql.begin((sql) => saveServerKeys(sql, row, keys));
    known.delete(serverName);
    kept += 1;
    if (kept % FORGET_EVERY === 0) await forgetServerKeys(database.sql, MAX_KEPT_SERVERS);
    return true;
  }

  async function fetch(serverName: string, urgency: Urgency = 'background', wanted: WantedKeys = {}): Promise<ServerKeys | undefined> {
    const running = fetches.get(serverName) ?? fetchNow(serverName, urgency, wanted).finally(() => fetches.delete(serverName));
    fetches.set(serverName, running);
    return await running;
  }

  function wasTriedLately(serverName: string, isCalling: boolean): boolean {
    const last = lastFetches.get(serverName);
    if (last === undefined || (isCalling && !last.wasAsked)) return false;
    return clock.now() - last.at < (isCalling ? RETRY_CALLER_AFTER_MS : RETRY_AFTER_MS);
  }

  const findKnown: ServerKeyring['findKnown'] = async (serverName, keyId, purpose) => {
    const isOwn = serverName === signer.serverName;
    const key = (isOwn ? ownKeys : await listKnown(serverName)).find((candidate) => candidate.keyId === keyId);
    if (key !== undefined && isValid(key, purpose)) return { publicKey: key.publicKey, mayAsk: false };
    const isFresh = wasTriedLately(serverName, purpose.isCalling === true);
    return { publicKey: undefined, mayAsk: !isOwn && key?.expiredTs == null && (fetches.has(serverName) || !isFresh) };
  };

  const keyring: ServerKeyring = {
    fetch,
    findKnown,
    find: async (serverName, keyId, purpose) => {
      // What was under way already may have been for less urgent reasons, and not have asked the server itself.
      for (let fetched = 0; fetched < MAX_FETCHES_FOR_ONE; fetched += 1) {
        const { publicKey, mayAsk } = await findKnown(serverName, keyId, purpose);
        if (!mayAsk) return publicKey;
        const wanted = { [keyId]: purpose.enforcesValidity ? purpose.at : 0 };
        await fetch(serverName, purpose.isCalling === true ? 'insisting' : 'background', wanted);
      }
      return (await findKnown(serverName, keyId, purpose)).publicKey;
    },
  };
  return keyring;
}

function isValid(
  { validUntil: until, expiredTs }: Pick<ServerKey, 'validUntil' | 'expiredTs'>,
  { at, enforcesValidity }: KeyPurpose,
): boolean {
  if (!enforcesValidity) return true;
  return expiredTs === null ? at <= until : at <= expiredTs;
}
