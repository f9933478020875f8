import { isJsonObject } from 'federation-spec/events/event.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { LRUCache } from 'lru-cache';
import { findAccountData } from '../../storage/account-data.ts';
import type { Pool } from '../../storage/database.ts';
import { findUserNids } from '../../storage/users.ts';
import type { Notifier } from '../streams/notifier.ts';

/** How many people's lists are kept in memory, and how many entries of one are read. */
const MAX_PEOPLE = 20_000;
const MAX_IGNORED = 2_000;

export const IGNORED_USERS = 'm.ignored_user_list';

/** Whom a person ignores, by number as far as they have one, and by name. https://spec.matrix.org/latest/client-server-api/#ignoring-users */
export type Ignored = { nids: ReadonlySet<number>; userIds: ReadonlySet<string> };

export type ListIgnored = (userNid: number) => Promise<Ignored>;

/** Remembered until the person's account data changes. */
export function createListIgnored({ pool, notifier }: { pool: Pool; notifier: Pick<Notifier, 'onCommit'> }): ListIgnored {
  const known = new LRUCache<number, Promise<Ignored>>({ max: MAX_PEOPLE });
  notifier.onCommit(({ wakes }) => {
    for (const { accountDataOf } of wakes) for (const userNid of accountDataOf ?? []) known.delete(userNid);
  });

  async function load(userNid: number): Promise<Ignored> {
    const userIds = readIgnored(await findAccountData(pool, userNid, null, IGNORED_USERS));
    return { nids: new Set((await findUserNids(pool, userIds)).values()), userIds: new Set(userIds) };
  }

  return async function listIgnored(userNid) {
    const remembered = known.get(userNid);
    if (remembered !== undefined) return await remembered;
    const loading = load(userNid);
    known.set(userNid, loading);
    loading.catch(() => known.delete(userNid));
    return await loading;
  };
}

function readIgnored(content: string | undefined): string[] {
  const list: unknown = content === undefined ? undefined : JSON.parse(content);
  const users = isJsonObject(list) ? list['ignored_users'] : undefined;
  return isJsonObject(users)
    ? Object.keys(users)
        .filter((userId) => parseUserId(userId) !== undefined)
        .slice(0, MAX_IGNORED)
    : [];
}
