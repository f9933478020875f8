import { isJsonObject } from 'federation-spec/events/event.ts';
import { LRUCache } from 'lru-cache';
import { findAccountData } from '../../storage/account-data.ts';
import type { Database } from '../../storage/database.ts';
import type { Notifier } from '../streams/notifier.ts';

/** How many people's direct rooms are kept in memory. */
const MAX_PEOPLE = 20_000;

/** The rooms, by id, that a user's `m.direct` names. https://spec.matrix.org/latest/client-server-api/#mdirect */
export type ListDirect = (userNid: number) => Promise<ReadonlySet<string>>;

/** Remembered until the user's account data changes. */
export function createListDirect({ database, notifier }: { database: Database; notifier: Pick<Notifier, 'onCommit'> }): ListDirect {
  const known = new LRUCache<number, Promise<ReadonlySet<string>>>({ max: MAX_PEOPLE });
  notifier.onCommit(({ wakes }) => {
    for (const { accountDataOf } of wakes) for (const userNid of accountDataOf ?? []) known.delete(userNid);
  });
  return async function listDirect(userNid) {
    const remembered = known.get(userNid);
    if (remembered !== undefined) return await remembered;
    const loading = findAccountData(database.sql, userNid, null, 'm.direct').then(readDirect);
    known.set(userNid, loading);
    loading.catch(() => known.delete(userNid));
    return await loading;
  };
}

function readDirect(content: string | undefined): ReadonlySet<string> {
  const byUser: unknown = content === undefined ? {} : JSON.parse(content);
  const rooms = isJsonObject(byUser) ? Object.values(byUser).flat() : [];
  return new Set(rooms.filter((room) => typeof room === 'string'));
}
