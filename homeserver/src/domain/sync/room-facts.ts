import { LRUCache } from 'lru-cache';
import type { Database } from '../../storage/database.ts';
import { listSingularState } from '../../storage/sync.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';

/** How many rooms' facts are kept in memory. */
const MAX_ROOMS = 50_000;

/** What lists filter rooms by, and what rooms are called. */
export type RoomFacts = { name?: string; alias?: string; avatar?: string; roomType?: string; isEncrypted: boolean };

export type ListRoomFacts = (roomNids: readonly number[]) => Promise<ReadonlyMap<number, RoomFacts>>;

export const FACT_TYPES = ['m.room.create', 'm.room.name', 'm.room.canonical_alias', 'm.room.avatar', 'm.room.encryption'];

/** What a room's state says of it. */
export function readFacts(state: readonly { type: string; content: Readonly<Record<string, unknown>> }[]): RoomFacts {
  const read = (type: string, key: string): string | undefined => {
    const value = state.find((event) => event.type === type)?.content[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const name = read('m.room.name', 'name');
  const alias = read('m.room.canonical_alias', 'alias');
  const avatar = read('m.room.avatar', 'url');
  const roomType = read('m.room.create', 'type');
  return {
    ...(name === undefined ? {} : { name }),
    ...(alias === undefined ? {} : { alias }),
    ...(avatar === undefined ? {} : { avatar }),
    ...(roomType === undefined ? {} : { roomType }),
    isEncrypted: state.some((event) => event.type === 'm.room.encryption'),
  };
}

/** The facts of many rooms in one query, remembered until the room's state changes. */
export function createListRoomFacts({ database, log, notifier }: { database: Database; log: Log; notifier: Notifier }): ListRoomFacts {
  const known = new LRUCache<number, RoomFacts>({ max: MAX_ROOMS });
  let changes = 0;

  notifier.onCommit(({ events, wakes }) => {
    // Rooms also change without an event, such as when the state of one that was joined quickly has come whole.
    for (const roomNid of wakes.flatMap(({ rooms }) => [...(rooms ?? [])])) {
      changes += 1;
      known.delete(roomNid);
    }
    for (const { row, stateChanges } of events) {
      if (stateChanges.length === 0) continue;
      changes += 1;
      known.delete(row.roomNid);
    }
  });

  return async function listRoomFacts(roomNids) {
    const facts = new Map<number, RoomFacts>();
    for (const roomNid of roomNids) {
      const remembered = known.get(roomNid);
      if (remembered !== undefined) facts.set(roomNid, remembered);
    }
    const unknown = roomNids.filter((roomNid) => !facts.has(roomNid));
    const changesBefore = changes;
    const rows = Map.groupBy(
      await listSingularState(
        database.sql,
        unknown.map((roomNid) => ({ roomNid, at: log.position() })),
        FACT_TYPES,
      ),
      ({ roomNid }) => roomNid,
    );
    for (const roomNid of unknown) {
      const read = readFacts((rows.get(roomNid) ?? []).map(({ type, json }) => ({ type, content: readPdu(json).content })));
      facts.set(roomNid, read);
      if (changes === changesBefore) known.set(roomNid, read);
    }
    return facts;
  };
}
