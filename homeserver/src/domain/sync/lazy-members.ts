import { LRUCache } from 'lru-cache';
import type { SyncDevice } from './sources.ts';

/** How many (device, room) are remembered, and how many members of each. */
const MAX_ROOMS = 50_000;
const MAX_MEMBERS = 500;

/** The membership event last told of each member, when the answer ended at `upTo`. */
type Version = { upTo: number; told: ReadonlyMap<string, string> };

/**
 * Remembers which members a device was told of lazily, so that they need no telling again. What was told in an answer counts once the
 * device comes back with a token at or past its end; until then the one before counts too, for a request that is repeated.
 * https://spec.matrix.org/latest/client-server-api/#lazy-loading-room-members
 */
export type LazyMembers = {
  /** What the device knows, by user, having acknowledged everything up to `since`. */
  find: (device: SyncDevice, roomNid: number, since: number) => ReadonlyMap<string, string>;
  remember: (device: SyncDevice, roomNid: number, version: Version & { since: number }) => void;
};

export function createLazyMembers(): LazyMembers {
  const known = new LRUCache<string, Version[]>({ max: MAX_ROOMS });
  const keyOf = ({ userNid, deviceId }: SyncDevice, roomNid: number) => `${userNid} ${roomNid} ${deviceId}`;
  const latest = (versions: readonly Version[] | undefined, since: number) => versions?.findLast(({ upTo }) => upTo <= since);

  return {
    find: (device, roomNid, since) => latest(known.get(keyOf(device, roomNid)), since)?.told ?? new Map(),
    remember: (device, roomNid, { upTo, told, since }) => {
      const key = keyOf(device, roomNid);
      const before = latest(known.get(key), since);
      const all = new Map([...(before?.told ?? []), ...told]);
      const version = { upTo, told: new Map([...all].slice(-MAX_MEMBERS)) };
      known.set(key, before === undefined ? [version] : [before, version]);
    },
  };
}
