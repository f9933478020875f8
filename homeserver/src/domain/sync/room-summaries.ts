import type { JoinedRoom } from 'federation-spec/api/schemas/sync.ts';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../storage/database.ts';
import { listRoomSummaries, type RoomSummaryRow } from '../../storage/sync.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { ListRoomFacts } from './room-facts.ts';

/** How many rooms' summaries are kept in memory. */
const MAX_ROOMS = 20_000;
const MAX_HEROES = 5;

export type RoomSummary = {
  /** As a sync has it: heroes only where the room has neither name nor alias. */
  summary: NonNullable<JoinedRoom['summary']>;
  /** By whom a room without a name may be called. */
  heroes?: readonly string[];
};

export type ListSummaries = (roomNids: readonly number[], userId: string) => Promise<ReadonlyMap<number, RoomSummary>>;

type Deps = { database: Database; notifier: Pick<Notifier, 'onCommit'>; listRoomFacts: ListRoomFacts };

/**
 * Who is in rooms, in one query, remembered until a room's memberships change: that somebody joins does not cost each member a count of all.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3sync_response-200_roomsummary
 */
export function createListSummaries({ database, notifier, listRoomFacts }: Deps): ListSummaries {
  const known = new LRUCache<number, RoomSummaryRow>({ max: MAX_ROOMS });
  let changes = 0;
  notifier.onCommit(({ events, wakes }) => {
    const changed = events.filter(({ memberships }) => memberships.length > 0).map(({ row }) => row.roomNid);
    // Rooms also change without an event, such as when the state of one that was joined quickly has come whole.
    const others = wakes.flatMap(({ rooms }) => [...(rooms ?? [])]);
    for (const roomNid of [...changed, ...others]) {
      changes += 1;
      known.delete(roomNid);
    }
  });

  return async function listSummaries(roomNids, userId) {
    const rows = new Map<number, RoomSummaryRow>();
    for (const roomNid of roomNids) {
      const row = known.get(roomNid);
      if (row !== undefined) rows.set(roomNid, row);
    }
    const unknown = roomNids.filter((roomNid) => !rows.has(roomNid));
    const changesBefore = changes;
    const [facts, read] = await Promise.all([listRoomFacts(roomNids), listRoomSummaries(database.sql, unknown, MAX_HEROES + 1)]);
    for (const row of read) {
      rows.set(row.roomNid, row);
      if (changes === changesBefore) known.set(row.roomNid, row);
    }
    return new Map(
      [...rows].map(([roomNid, { joined, invited, here, gone }]) => {
        const { name, alias } = facts.get(roomNid) ?? {};
        const others = [here, gone].map((members) => members.filter((member) => member !== userId).slice(0, MAX_HEROES));
        const heroes = others.find((members) => members.length > 0) ?? [];
        const summary = {
          ...(name === undefined && alias === undefined ? { 'm.heroes': heroes } : {}),
          'm.joined_member_count': joined,
          'm.invited_member_count': invited,
        };
        return [roomNid, { summary, ...(name === undefined ? { heroes } : {}) }];
      }),
    );
  };
}
