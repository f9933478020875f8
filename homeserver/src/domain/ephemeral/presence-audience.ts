import { LRUCache } from 'lru-cache';
import type { Database } from '../../storage/database.ts';
import type { Member } from '../../storage/memberships.ts';
import { listUsersSharingSmallRooms } from '../../storage/presence.ts';

/** Presence is shared with people in rooms of at most so many joined members, and with so many people at most. */
export const MAX_ROOM_MEMBERS = 100;
const MAX_AUDIENCE = 1_000;
/** How long it is remembered who shares rooms with whom, and for how many people. */
const AUDIENCE_TTL_MS = 60_000;
const MAX_PEOPLE = 50_000;

/** Who is shown whose presence: those who share a room of bounded size. */
export type PresenceAudience = {
  of: (userNid: number) => Promise<ReadonlyMap<number, Member>>;
  forget: (userNid: number) => void;
};

export function createPresenceAudience({ database }: { database: Database }): PresenceAudience {
  const audiences = new LRUCache<number, Promise<ReadonlyMap<number, Member>>>({ max: MAX_PEOPLE, ttl: AUDIENCE_TTL_MS });
  return {
    of: async (userNid) => {
      const known = audiences.get(userNid);
      if (known !== undefined) return await known;
      const loading = listUsersSharingSmallRooms(database.sql, { userNid, maxMembers: MAX_ROOM_MEMBERS, limit: MAX_AUDIENCE }).then(
        (members) => new Map(members.map((member) => [member.userNid, member])),
      );
      audiences.set(userNid, loading);
      loading.catch(() => audiences.delete(userNid));
      return await loading;
    },
    forget: (userNid) => void audiences.delete(userNid),
  };
}
