import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../storage/database.ts';
import { internStateKeys } from '../../storage/state-keys.ts';
import { internUsers, listUsersByNid } from '../../storage/users.ts';

/** How many numbers of users and of state keys are remembered. */
const MAX_REMEMBERED = 200_000;

/** Numbers for Matrix identifiers, remembered. */
export type Interner = {
  userNid: (userId: string) => Promise<number>;
  userNids: (userIds: readonly string[]) => Promise<Map<string, number>>;
  userId: (userNid: number) => Promise<string>;
  keyNid: (type: string, stateKey: string) => Promise<number>;
  /** The numbers of many keys at once, in the order asked for. */
  keyNids: (pairs: readonly { type: string; stateKey: string }[]) => Promise<number[]>;
  /** The next free event number. */
  nextEventNid: () => number;
};

export function createInterner({
  database,
  serverName,
  lastEventNid,
}: {
  database: Database;
  serverName: string;
  lastEventNid: number;
}): Interner {
  const users = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  const userIds = new LRUCache<number, string>({ max: MAX_REMEMBERED });
  const keys = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  let eventNid = lastEventNid;

  async function userNids(wanted: readonly string[]): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const missing: string[] = [];
    for (const userId of wanted) {
      const nid = users.get(userId);
      if (nid === undefined) missing.push(userId);
      else found.set(userId, nid);
    }
    if (missing.length > 0) {
      for (const [userId, nid] of await internUsers(database.sql, missing, serverName)) {
        users.set(userId, nid);
        userIds.set(nid, userId);
        found.set(userId, nid);
      }
    }
    return found;
  }

  async function keyNids(pairs: readonly { type: string; stateKey: string }[]): Promise<number[]> {
    const missing = pairs.filter((pair) => !keys.has(stateKeyOf(pair.type, pair.stateKey)));
    const fresh = new Map<string, number>();
    for (const row of await internStateKeys(database.sql, missing)) {
      keys.set(stateKeyOf(row.type, row.stateKey), row.keyNid);
      fresh.set(stateKeyOf(row.type, row.stateKey), row.keyNid);
    }
    return pairs.map((pair) => {
      const key = stateKeyOf(pair.type, pair.stateKey);
      const nid = fresh.get(key) ?? keys.get(key);
      if (nid === undefined) throw new Error(`the state key (${pair.type}, ${pair.stateKey}) could not be interned`);
      return nid;
    });
  }

  return {
    userNids,
    userNid: async (userId) => {
      const nid = users.get(userId) ?? (await userNids([userId])).get(userId);
      if (nid === undefined) throw new Error(`the user ${userId} could not be interned`);
      return nid;
    },
    userId: async (userNid) => {
      const known = userIds.get(userNid);
      if (known !== undefined) return known;
      const [row] = await listUsersByNid(database.sql, [userNid]);
      if (row === undefined) throw new Error(`no user has the number ${userNid}`);
      userIds.set(userNid, row.userId);
      return row.userId;
    },
    keyNid: async (type, stateKey) => {
      const [nid] = await keyNids([{ type, stateKey }]);
      if (nid === undefined) throw new Error(`the state key (${type}, ${stateKey}) could not be interned`);
      return nid;
    },
    keyNids,
    nextEventNid: () => {
      eventNid += 1;
      return eventNid;
    },
  };
}
