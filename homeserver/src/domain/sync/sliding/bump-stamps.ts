import { LRUCache } from 'lru-cache';
import type { Database } from '../../../storage/database.ts';
import { listLastPositionsOfTypes } from '../../../storage/sync.ts';
import { positionOf } from '../../streams/log-batch.ts';
import type { Notifier } from '../../streams/notifier.ts';

/** How many rooms' stamps are kept in memory. */
const MAX_ROOMS = 50_000;

/** What moves a room up in a client's list. https://github.com/matrix-org/matrix-spec-proposals/pull/4186 ("bump_stamp") */
const BUMP_TYPES = [
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.beacon_info',
  'org.matrix.msc3672.beacon_info',
];

/** The position, up to `upTo`, at which each room was last moved up; a room that never was is left out. */
export type ListBumpStamps = (roomNids: readonly number[], upTo: number) => Promise<ReadonlyMap<number, number>>;

/** Remembered until a room moves again; what has moved past `upTo` since, and what is not known, is asked for in one query. */
export function createListBumpStamps({ database, notifier }: { database: Database; notifier: Pick<Notifier, 'onCommit'> }): ListBumpStamps {
  const known = new LRUCache<number, number>({ max: MAX_ROOMS });
  let committedTo = 0;
  notifier.onCommit(({ events, to }) => {
    committedTo = to;
    for (const { row } of events) if (BUMP_TYPES.includes(row.type)) known.set(row.roomNid, positionOf(row));
  });

  return async function listBumpStamps(roomNids, upTo) {
    const stamps = new Map<number, number>();
    for (const roomNid of roomNids) {
      const stamp = known.get(roomNid);
      if (stamp !== undefined && stamp <= upTo) stamps.set(roomNid, stamp);
    }
    const unknown = roomNids.filter((roomNid) => !stamps.has(roomNid));
    const isNewest = upTo >= committedTo;
    for (const { roomNid, position } of await listLastPositionsOfTypes(database.sql, unknown, { types: BUMP_TYPES, upTo })) {
      stamps.set(roomNid, position);
      if (isNewest && !known.has(roomNid)) known.set(roomNid, position);
    }
    return stamps;
  };
}
