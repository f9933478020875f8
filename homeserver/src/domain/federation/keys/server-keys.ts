import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { getServerKey } from 'federation-spec/api/server/keys.ts';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import { createFairSlots, TooManyWaiting } from '../../../platform/fair-slots.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Database } from '../../../storage/database.ts';
import { findServerKeyList, forgetServerKeys, listServerKeys, type ServerKey, saveServerKeys } from '../../../storage/server-keys.ts';
import { NotAskedError, type Urgency } from '../circuit-breaker.ts';
import type { FederationClient } from '../federation-client.ts';
import type { AskNotaries } from './ask-notaries.ts';
import type { OldKey } from './own-keys.ts';
import type { WantedKeys } from './question-batcher.ts';
import { namesKeysBeyond, readKeyList, validUntil } from './read-key-list.ts';

const MAX_CACHED_SERVERS = 10_000;
const FETCH_TIMEOUT_MS = 10_000;
const MAX_LIST_BYTES = 32 * 1024;
/** Of how many servers the keys are kept in the database; every so many lists, those that are too many are forgotten. */
const MAX_KEPT_SERVERS = 100_000;
const FORGET_EVERY = 1_000;
/**
 * How many servers are asked for their keys at a time, how many of them because of what one server (or one address) sent, and how many more
 * wait for that reason: whoever names servers that never answer waits for them itself.
 */
const MAX_PARALLEL_FETCHES = 64;
const MAX_PARALLEL_FETCHES_OF_ONE = 48;
const MAX_WAITING_FETCHES_OF_ONE = 1_000;
/** On whose behalf keys are asked for when nobody else is named. */
const OURSELVES = 'this server';
/** A server whose keys could not be had, or lacked the one asked for, is not asked again for so long. */
const RETRY_AFTER_MS = 60_000;
/** A server that is asking us something may have come back just now, or have a new key: it is asked so many times in so long. */
const CALLER_RETRIES = 3;
const CALLER_RETRIES_MS = 10_000;

const MAX_FETCHES_FOR_ONE = 2;

/** What a key must have been good for. */
export type KeyPurpose = {
  /** When the signature was made, in ms. */
  at: number;
  /** Old room versions take a signature under any key the server ever had. */
  enforcesValidity: boolean;
  /** The server itself is asking us something: it is worth a try, however it answered last. */
  isCalling?: boolean;
  /** Because of whom the key is wanted: the server that sent what it signs, or the address that calls. */
  askedBy?: string;
};

/** When a server was to be asked for its keys, and whether it was. */
type Fetch = { at: number; wasAsked: boolean };

export type ServerKeyring = {
  /** The public key, or `undefined` when the server has no such key or it was not valid then. */
  find: (serverName: string, keyId: string, purpose: KeyPurpose) => Promise<Uint8Array | undefined>;
  /** The same from what is known here. `mayAsk`: the server could be asked, and may then have it. */
  findKnown: (serverName: string, keyId: string, purpose: KeyPurpose) => Promise<{ publicKey: Uint8Array | undefined; mayAsk: boolean }>;
  /** Whether a server was asked so lately that a key it lacked then is not asked for again. */
  wasAskedLately: (serverName: string) => boolean;
  /** Asks the server for its keys now; notaries, when it does not answer, for those that are wanted. `undefined` when there is no good list. */
  fetch: (
    serverName: string,
    how?: { urgency?: Urgency; wanted?: WantedKeys; askedBy?: string | undefined },
  ) => Promise<ServerKeys | undefined>;
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
  const slots = createFairSlots({
    total: MAX_PARALLEL_FETCHES,
    perName: MAX_PARALLEL_FETCHES_OF_ONE,
    maxWaiting: MAX_WAITING_FETCHES_OF_ONE,
  });
  const fetches = new Map<string, Promise<ServerKeys | undefined>>();
  /** By server and by whom it is asked for: those that are still to begin. */
  const inLine = new Map<string, Promise<ServerKeys | undefined>>();
  let kept = 0;
  const lastFetches = new LRUCache<string, Fetch[]>({ max: MAX_CACHED_SERVERS });
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
    const last: Fetch = { at: clock.now(), wasAsked: true };
    lastFetches.set(serverName, [...(lastFetches.get(serverName) ?? []), last].slice(-CALLER_RETRIES));
    try {
      const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_LIST_BYTES, urgency, isSigned: true };
      const list = await client.call(serverName, getServerKey, {}, limits);
      if (!(await keep(serverName, list, true))) throw new Error('the list of keys is not about this server, or not signed by it');
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
      if (!(await keep(serverName, list, false))) continue;
      if (newest === undefined || list.valid_until_ts > newest.valid_until_ts) newest = list;
    }
    return newest;
  }

  async function keep(serverName: string, list: ServerKeys, isFirstHand: boolean): Promise<boolean> {
    const fetchedAt = clock.now();
    const keys = await readKeyList(list, serverName, fetchedAt);
    if (keys === undefined) return false;
    const row = { serverName, fetchedAt, validUntil: validUntil(list, fetchedAt), json: JSON.stringify(list) };
    await database.sql.begin(async (sql) => {
      const known = await findServerKeyList(sql, serverName);
      const isFormer = known !== undefined && namesKeysBeyond(JSON.parse(known.json) as ServerKeys, list); // it was checked before it was stored
      await saveServerKeys(sql, row, keys, { isFirstHand, isFormer });
    });
    known.delete(serverName);
    kept += 1;
    if (kept % FORGET_EVERY === 0) await forgetServerKeys(database.sql, MAX_KEPT_SERVERS);
    return true;
  }

  function begin(serverName: string, urgency: Urgency, wanted: WantedKeys): Promise<ServerKeys | undefined> {
    const running = fetches.get(serverName) ?? fetchNow(serverName, urgency, wanted).finally(() => fetches.delete(serverName));
    fetches.set(serverName, running);
    return running;
  }

  const fetch: ServerKeyring['fetch'] = async (serverName, { urgency = 'background', wanted = {}, askedBy = OURSELVES } = {}) => {
    const running = fetches.get(serverName);
    if (running !== undefined) return await running;
    const place = `${askedBy} ${serverName}`;
    const work = inLine.get(place) ?? slots.run(askedBy, () => begin(serverName, urgency, wanted)).finally(() => inLine.delete(place));
    inLine.set(place, work);
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof TooManyWaiting)) throw error;
      logger.info({ serverName, askedBy }, 'the keys of a server are not asked for: too many are, for the same reason');
      return undefined;
    }
  };

  function wasTriedLately(serverName: string, isCalling: boolean): boolean {
    const last = lastFetches.get(serverName) ?? [];
    const since = (patienceMs: number) => last.filter(({ at }) => isWithin(clock.now() - at, patienceMs));
    if (!isCalling) return since(RETRY_AFTER_MS).length > 0;
    return since(CALLER_RETRIES_MS).filter(({ wasAsked }) => wasAsked).length >= CALLER_RETRIES;
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
    wasAskedLately: (serverName) => wasTriedLately(serverName, false),
    find: async (serverName, keyId, purpose) => {
      // What was under way already may have been for less urgent reasons, and not have asked the server itself.
      for (let fetched = 0; fetched < MAX_FETCHES_FOR_ONE; fetched += 1) {
        const { publicKey, mayAsk } = await findKnown(serverName, keyId, purpose);
        if (!mayAsk) return publicKey;
        const wanted = { [keyId]: purpose.enforcesValidity ? purpose.at : 0 };
        const isUnderWay = fetches.has(serverName);
        await fetch(serverName, { urgency: purpose.isCalling === true ? 'insisting' : 'background', wanted, askedBy: purpose.askedBy });
        if (!isUnderWay) break;
      }
      return (await findKnown(serverName, keyId, purpose)).publicKey;
    },
  };
  return keyring;
}

/** What was to come, by a clock that has been set back meanwhile, is long ago. */
function isWithin(agoMs: number, patienceMs: number): boolean {
  return agoMs >= 0 && agoMs < patienceMs;
}

function isValid(
  { validUntil: until, expiredTs }: Pick<ServerKey, 'validUntil' | 'expiredTs'>,
  { at, enforcesValidity }: KeyPurpose,
): boolean {
  if (!enforcesValidity) return true;
  return expiredTs === null ? at <= until : at <= expiredTs;
}
