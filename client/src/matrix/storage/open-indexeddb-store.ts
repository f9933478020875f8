import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb';
import { deleteDB, openDB } from 'idb';
import type { JsonObject } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import { cutTimeline } from '../rooms/cut-timeline.ts';
import type { RoomRecord } from '../rooms/room-record.ts';
import type { OutgoingItem } from '../send/outgoing-item.ts';
import type { StoredEvent } from '../timeline/stored-event.ts';
import type { ClientStore, StoredClient, StoreUpdate } from './client-store.ts';

/** Raised when the form changes; an older cache is thrown away, since the server has it all. Unsent messages are kept. */
const VERSION = 1;
const CACHE_STORES = ['rooms', 'state', 'timelines', 'accountData', 'values'] as const;

type RoomHead = Omit<RoomRecord, 'state' | 'timeline' | 'typing'>;
type StoredTimeline = { roomId: string; events: StoredEvent[]; prevBatch: string | undefined };

interface Schema extends DBSchema {
  rooms: { key: string; value: RoomHead };
  state: { key: [string, string]; value: { roomId: string; id: string; event: RoomEvent } };
  timelines: { key: string; value: StoredTimeline };
  accountData: { key: string; value: { type: string; content: JsonObject } };
  outgoing: { key: string; value: OutgoingItem };
  values: { key: string; value: { key: string; value: unknown } };
}

type Database = IDBPDatabase<Schema>;
type WriteTransaction = IDBPTransaction<Schema, ('rooms' | 'state' | 'timelines' | 'accountData' | 'values')[], 'readwrite'>;

/** Opens a client's cache in IndexedDB. In Node a global one must be installed first, as the crypto store needs it too. */
export async function openIndexedDbStore(name: string): Promise<ClientStore> {
  const database = await openDB<Schema>(name, VERSION, {
    upgrade(db) {
      db.createObjectStore('rooms', { keyPath: 'roomId' });
      db.createObjectStore('state', { keyPath: ['roomId', 'id'] });
      db.createObjectStore('timelines', { keyPath: 'roomId' });
      db.createObjectStore('accountData', { keyPath: 'type' });
      db.createObjectStore('outgoing', { keyPath: 'txnId' });
      db.createObjectStore('values', { keyPath: 'key' });
    },
    blocking: () => database.close(),
  });

  return {
    load: () => loadAll(database),
    write: (update) => writeUpdate(database, update),
    putOutgoing: async (item) => {
      await database.put('outgoing', item);
    },
    deleteOutgoing: (txnId) => database.delete('outgoing', txnId),
    getValue: async (key) => (await database.get('values', key))?.value,
    putValue: async (key, value) => {
      await database.put('values', { key, value });
    },
    close: () => database.close(),
    async destroy() {
      database.close();
      await deleteDB(name);
    },
  };
}

const SYNC_TOKEN = 'sync-token';

async function loadAll(database: Database): Promise<StoredClient> {
  const transaction = database.transaction(['rooms', 'state', 'timelines', 'accountData', 'outgoing', 'values']);
  const [heads, state, timelines, accountData, outgoing, token] = await Promise.all([
    transaction.objectStore('rooms').getAll(),
    transaction.objectStore('state').getAll(),
    transaction.objectStore('timelines').getAll(),
    transaction.objectStore('accountData').getAll(),
    transaction.objectStore('outgoing').getAll(),
    transaction.objectStore('values').get(SYNC_TOKEN),
  ]);
  const rooms = new Map<string, RoomRecord>();
  for (const head of heads) rooms.set(head.roomId, { ...head, state: new Map(), timeline: [], typing: [] });
  for (const { roomId, id, event } of state) rooms.get(roomId)?.state.set(id, event);
  for (const { roomId, events, prevBatch } of timelines) {
    const record = rooms.get(roomId);
    if (record === undefined) continue;
    record.timeline = events;
    record.prevBatch = prevBatch;
  }
  return {
    syncToken: typeof token?.value === 'string' ? token.value : undefined,
    rooms: [...rooms.values()],
    accountData: new Map(accountData.map(({ type, content }) => [type, content])),
    outgoing: outgoing.sort((a, b) => a.createdAtMs - b.createdAtMs),
  };
}

async function writeUpdate(database: Database, update: StoreUpdate): Promise<void> {
  const transaction = database.transaction([...CACHE_STORES], 'readwrite');
  const pending: Promise<unknown>[] = [];
  for (const room of update.rooms) writeRoom(transaction, room, pending);
  for (const roomId of update.forgottenRoomIds) {
    pending.push(transaction.objectStore('rooms').delete(roomId), transaction.objectStore('timelines').delete(roomId));
    pending.push(transaction.objectStore('state').delete(stateRange(roomId)));
  }
  for (const [type, content] of update.accountData) pending.push(transaction.objectStore('accountData').put({ type, content }));
  if (update.syncToken !== undefined) pending.push(transaction.objectStore('values').put({ key: SYNC_TOKEN, value: update.syncToken }));
  await Promise.all([...pending, transaction.done]);
}

function writeRoom(
  transaction: WriteTransaction,
  { record, state, timelineChanged }: StoreUpdate['rooms'][number],
  pending: Promise<unknown>[],
): void {
  const { state: allState, timeline: _timeline, typing: _typing, ...head } = record;
  const { roomId } = record;
  pending.push(transaction.objectStore('rooms').put(head));

  const states = transaction.objectStore('state');
  if (state === 'all') pending.push(states.delete(stateRange(roomId)));
  for (const id of state === 'all' ? allState.keys() : state) {
    const event = allState.get(id);
    if (event !== undefined) pending.push(states.put({ roomId, id, event }));
  }
  if (timelineChanged) pending.push(transaction.objectStore('timelines').put({ roomId, ...cutTimeline(record) }));
}

function stateRange(roomId: string): IDBKeyRange {
  return IDBKeyRange.bound([roomId, ''], [roomId, '\uffff']);
}
