import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { type Signer, signJson } from 'federation-spec/signing/sign-json.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../storage/database.ts';
import { findServerKeyList } from '../../../storage/server-keys.ts';
import type { ListOwnKeys } from './own-keys.ts';
import type { ServerKeyring } from './server-keys.ts';

/** Most servers about which one query is answered. */
const MAX_SERVERS = 100;

/** The lists of keys of other servers, each with our signature added. Servers that have none to give are left out. */
export type AskNotary = (queries: readonly { serverName: string; minimumValidUntil: number }[]) => Promise<ServerKeys[]>;

type Deps = { database: Database; keyring: ServerKeyring; listOwnKeys: ListOwnKeys; signer: Signer; clock: Clock };

/** https://spec.matrix.org/latest/server-server-api/#querying-keys-through-another-server */
export function createNotary({ database, keyring, listOwnKeys, signer, clock }: Deps): AskNotary {
  const searches = new Map<string, Promise<ServerKeys | undefined>>();

  /** Whoever asks the same in the meantime gets the same answer: one that looked too early what is stored would ask the server again. */
  async function findListOnce(serverName: string, minimumValidUntil: number): Promise<ServerKeys | undefined> {
    const question = `${serverName} ${minimumValidUntil}`;
    const search = searches.get(question) ?? findList(serverName, minimumValidUntil).finally(() => searches.delete(question));
    searches.set(question, search);
    return await search;
  }

  async function findList(serverName: string, minimumValidUntil: number): Promise<ServerKeys | undefined> {
    if (serverName === signer.serverName) return await listOwnKeys();
    let stored = await findServerKeyList(database.sql, serverName);
    if (stored === undefined || stored.validUntil < Math.max(minimumValidUntil, clock.now())) {
      await keyring.fetch(serverName, 'person');
      stored = await findServerKeyList(database.sql, serverName); // what came may be no better than what we had
    }
    return stored === undefined ? undefined : (JSON.parse(stored.json) as ServerKeys); // it was checked before it was stored
  }

  return async (queries) => {
    const lists = await Promise.all(queries.slice(0, MAX_SERVERS).map((query) => findListOnce(query.serverName, query.minimumValidUntil)));
    const found = lists.filter((list) => list !== undefined);
    return await Promise.all(found.map((list) => (list.server_name === signer.serverName ? list : signJson(list, signer))));
  };
}
