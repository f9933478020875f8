import { LRUCache } from 'lru-cache';
import type { Database } from '../../storage/database.ts';
import { listMembershipsOfUser, type UserMembership } from '../../storage/memberships.ts';
import type { Notifier } from '../streams/notifier.ts';

/** How many users' memberships are kept in memory. */
const MAX_USERS = 20_000;

/** Every room a user has to do with, and how. */
export type ListUserRooms = (userNid: number) => Promise<readonly UserMembership[]>;

/** The memberships of users who sync, remembered until they change. */
export function createListUserRooms({ database, notifier }: { database: Database; notifier: Notifier }): ListUserRooms {
  const known = new LRUCache<number, Promise<readonly UserMembership[]>>({ max: MAX_USERS });

  notifier.onCommit(({ events, wakes }) => {
    for (const { memberships } of events) for (const { userNid } of memberships) known.delete(userNid);
    for (const { membershipsOf } of wakes) for (const userNid of membershipsOf ?? []) known.delete(userNid);
  });

  return async function listUserRooms(userNid) {
    const remembered = known.get(userNid);
    if (remembered !== undefined) return await remembered;
    const loading = listMembershipsOfUser(database.sql, userNid);
    known.set(userNid, loading);
    try {
      return await loading;
    } catch (error) {
      known.delete(userNid);
      throw error;
    }
  };
}
