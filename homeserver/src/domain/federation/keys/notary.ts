import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { type Signer, signJson } from 'federation-spec/signing/sign-json.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../storage/database.ts';
import { findServerKeyList, listFormerKeyLists } from '../../../storage/server-keys.ts';
import type { ListOwnKeys } from './own-keys.ts';
import type { ServerKeyring } from './server-keys.ts';

/** Anybody may ask, without saying who it is: all of them wait in one line. */
const FOR_OTHERS = { urgency: 'person', askedBy: 'whoever asks a notary' } as const;
/** Most servers about which one query is answered. */
const MAX_SERVERS = 100;

/** The lists of keys of other servers, each with our signature added. Servers that have none to give are left out. */
export type AskNotary = (queries: readonly NotaryQuery[]) => Promise<ServerKeys[]>;

/** About which server, which of its keys (all that it signs with now when none is named), and until when they should be good (ms). */
export type NotaryQuery = { serverName: string; keyIds: readonly string[]; minimumValidUntil: number };

type Deps = { database: Database; keyring: ServerKeyring; listOwnKeys: ListOwnKeys; signer: Signer; clock: Clock };

/** https://spec.matrix.org/latest/server-server-api/#querying-keys-through-another-server */
export function createNotary({ database, keyring, listOwnKeys, signer, clock }: Deps): AskNotary {
  const searches = new Map<string, Promise<ServerKeys | undefined>>();

  /** Whoever asks the same in the meantime gets the same answer: one that looked too early what is stored would ask the server again. */
  async function findNewestOnce(serverName: string, minimumValidUntil: number): Promise<ServerKeys | undefined> {
    const question = `${serverName} ${minimumValidUntil}`;
    const search = searches.get(question) ?? findNewest(serverName, minimumValidUntil).finally(() => searches.delete(question));
    searches.set(question, search);
    return await search;
  }

  /** The newest list, and those before it that have a wanted key that it lacks. */
  async function findLists({ serverName, keyIds, minimumValidUntil }: NotaryQuery): Promise<ServerKeys[]> {
    if (serverName === signer.serverName) return [await listOwnKeys()];
    let newest = await findNewestOnce(serverName, minimumValidUntil);
    if (newest === undefined) return [];
    const former = (await listFormerKeyLists(database.sql, serverName)).map((json) => JSON.parse(json) as ServerKeys); // checked likewise
    if (keyIds.some((keyId) => ![newest, ...former].some((list) => list !== undefined && names(list, keyId)))) {
      newest = (await askForFurther(serverName)) ?? newest;
    }
    const missed = keyIds.filter((keyId) => newest !== undefined && !names(newest, keyId));
    return [newest, ...former.filter((list) => missed.some((keyId) => names(list, keyId)))];
  }

  /** A key that nobody mentioned may be new; but whoever names keys that never were has no server asked again and again. */
  async function askForFurther(serverName: string): Promise<ServerKeys | undefined> {
    if (keyring.wasAskedLately(serverName)) return undefined;
    return await keyring.fetch(serverName, FOR_OTHERS);
  }

  async function findNewest(serverName: string, minimumValidUntil: number): Promise<ServerKeys | undefined> {
    let stored = await findServerKeyList(database.sql, serverName);
    if (stored === undefined || stored.validUntil < Math.max(minimumValidUntil, clock.now())) {
      await keyring.fetch(serverName, FOR_OTHERS);
      stored = await findServerKeyList(database.sql, serverName); // what came may be no better than what we had
    }
    return stored === undefined ? undefined : (JSON.parse(stored.json) as ServerKeys); // it was checked before it was stored
  }

  return async (queries) => {
    const lists = await Promise.all(queries.slice(0, MAX_SERVERS).map(findLists));
    return await Promise.all(lists.flat().map((list) => (list.server_name === signer.serverName ? list : signJson(list, signer))));
  };
}

function names({ verify_keys: keys, old_verify_keys: old }: ServerKeys, keyId: string): boolean {
  return Object.hasOwn(keys, keyId) || Object.hasOwn(old ?? {}, keyId);
}
