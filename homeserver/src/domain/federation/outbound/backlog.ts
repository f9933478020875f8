import { LRUCache } from 'lru-cache';
import type { Logger } from '../../../platform/logger.ts';
import type { Database } from '../../../storage/database.ts';
import { listEventsByNid } from '../../../storage/events.ts';
import {
  type CatchUpEntry,
  collapseQueue,
  countQueued,
  deleteCatchUp,
  deleteQueuedPdus,
  deleteSentPdus,
  enqueuePdus,
  listCatchUp,
  listCatchUpDestinations,
  listQueuedPdus,
  noteCatchUp,
  type QueuedPdu,
  type QueueEntry,
} from '../../../storage/federation-queue.ts';
import { createWaitingEvents } from './waiting-events.ts';

/** How many events are kept one by one for a server that is away. Beyond it only the newest of each room is, from which it catches up. */
const MAX_QUEUED_WHILE_AWAY = 1_000;
/** The same for a server that answers, if slowly: it is to be spared asking for what it missed. */
const MAX_QUEUED_WHILE_SLOW = 50_000;
/** How many entries are kept in memory, for all servers together, before they are put on disk. */
const MAX_IN_MEMORY = 50_000;
/** Event texts that several servers are about to be sent are read once. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** Events for one server, with the rooms that they bring up to date. What is not acknowledged will be taken again. */
export type Parcel = { pdus: readonly QueuedPdu[]; caughtUp: readonly CaughtUp[] };
/** A server that has the events of the parcel can reach all of the room up to this one. */
type CaughtUp = { roomNid: number; upTo: number };

/**
 * What waits for other servers: the newest in memory, for servers that answer at once, so that they cost no write; what is not sent within
 * a second or so on disk; and for servers long away only what each room has come to.
 */
export type Backlog = {
  /** `events` are those that the entries name, as far as their texts are at hand. */
  add: (entries: readonly QueueEntry[], events: readonly QueuedPdu[]) => Promise<void>;
  /** Events were queued on disk by somebody else. */
  noteStored: (destination: string) => void;
  /** What has waited longest. Only one may take for a server at a time. */
  take: (destination: string, limit: number) => Promise<Parcel>;
  acknowledge: (destination: string, parcel: Parcel) => Promise<void>;
  /** Puts on disk what only memory knows, and takes off it what was sent. */
  store: () => Promise<void>;
  /** The servers for which something waits on disk since before the start. */
  destinations: () => Iterable<string>;
  inMemory: () => number;
  onDisk: () => number;
};

/** What stands for a room at the end of an outage: the numbers of its newest events, or of the one that put the server out of it. */
export type ListRoomHeads = (destination: string, entry: CatchUpEntry) => Promise<number[]>;

type Deps = { database: Database; logger: Logger; listRoomHeads: ListRoomHeads; isAway: (destination: string) => boolean };

export async function createBacklog({ database, logger, listRoomHeads, isAway }: Deps): Promise<Backlog> {
  const { sql } = database;
  /** What only memory knows to be sent. */
  const fresh = createWaitingEvents();
  /** What is on disk and here too: for servers that answer, all that is on disk, so that it need not be read. */
  const mirrored = createWaitingEvents();
  /** What is still on disk though it was sent. */
  let sent: { destination: string; eventNid: number }[] = [];
  /** Servers with something on disk that is not here; the number changes with every write. */
  const stored = new Map<string, number>();
  const queued = new Map<string, number>();
  const catchingUp = new Set(await listCatchUpDestinations(sql));
  const texts = new LRUCache<number, string>({ maxSize: MAX_TEXT_BYTES, sizeCalculation: (text) => Math.max(1, text.length) });
  let writes = 0;
  let storing = Promise.resolve();

  for (const { destination, events } of await countQueued(sql)) queued.set(destination, events);
  for (const destination of [...queued.keys(), ...catchingUp]) noteStored(destination);

  function noteStored(destination: string): void {
    writes += 1;
    stored.set(destination, writes);
  }

  /** What a server that catches up need not be sent any more: from the newest events of the room it finds its way to these. */
  function forgetCaughtUp(destination: string, caughtUp: readonly CaughtUp[]): void {
    const upTo = new Map(caughtUp.map((entry) => [entry.roomNid, entry.upTo]));
    const covered = fresh.list(destination).filter(({ roomNid, eventNid }) => eventNid <= (upTo.get(roomNid) ?? -1));
    fresh.drop(
      destination,
      covered.map(({ eventNid }) => eventNid),
    );
  }

  /** From now on what waits for the server is read from disk. */
  function unmirror(destination: string): void {
    if (mirrored.clear(destination)) noteStored(destination);
  }

  function mayMirror(destination: string): boolean {
    return !stored.has(destination) && !catchingUp.has(destination) && !isAway(destination) && mirrored.count() < MAX_IN_MEMORY;
  }

  async function storeNow(): Promise<void> {
    await removeSent();
    const entries = fresh.all();
    if (entries.length === 0) return;
    const onDiskOnly = new Set(entries.map((entry) => entry.destination).filter((destination) => !mayMirror(destination)));
    for (const destination of onDiskOnly) {
      unmirror(destination);
      noteStored(destination);
    }
    const isLate = ({ destination }: QueueEntry) => catchingUp.has(destination);
    const soon = entries.filter((entry) => !isLate(entry));
    await noteCatchUp(sql, entries.filter(isLate));
    await enqueuePdus(sql, soon);
    for (const entry of entries) {
      fresh.drop(entry.destination, [entry.eventNid]);
      if (!onDiskOnly.has(entry.destination)) mirrored.put(entry);
    }
    for (const destination of onDiskOnly) noteStored(destination);
    for (const { destination } of soon) queued.set(destination, (queued.get(destination) ?? 0) + 1);
    for (const destination of new Set(soon.map((entry) => entry.destination))) await collapseLong(destination);
  }

  async function removeSent(): Promise<void> {
    const removing = sent;
    sent = [];
    try {
      await deleteSentPdus(sql, removing);
    } catch (error) {
      sent = [...removing, ...sent];
      throw error;
    }
  }

  async function collapseLong(destination: string): Promise<void> {
    const most = isAway(destination) ? MAX_QUEUED_WHILE_AWAY : MAX_QUEUED_WHILE_SLOW;
    if ((queued.get(destination) ?? 0) <= most) return;
    logger.info({ destination }, 'another server has been away for long; it will catch up by the newest events of each room');
    catchingUp.add(destination);
    unmirror(destination);
    noteStored(destination);
    await collapseQueue(sql, destination);
    queued.delete(destination);
  }

  async function takeStored(destination: string, limit: number): Promise<Parcel | undefined> {
    unmirror(destination);
    await removeSent();
    const rooms = catchingUp.has(destination) ? await listCatchUp(sql, destination, limit) : [];
    if (rooms.length > 0) return await takeRooms(destination, rooms, limit);
    catchingUp.delete(destination);
    const pdus = await listQueuedPdus(sql, destination, limit);
    return pdus.length === 0 ? undefined : { pdus, caughtUp: [] };
  }

  async function takeRooms(destination: string, rooms: readonly CatchUpEntry[], limit: number): Promise<Parcel> {
    const nids = new Set<number>();
    const caughtUp: CaughtUp[] = [];
    for (const entry of rooms) {
      const heads = await listRoomHeads(destination, entry);
      if (caughtUp.length > 0 && nids.size + heads.length > limit) break;
      for (const nid of heads.slice(-limit)) nids.add(nid);
      caughtUp.push({ roomNid: entry.roomNid, upTo: Math.max(entry.eventNid, ...heads) });
    }
    return { pdus: await readTexts([...nids]), caughtUp };
  }

  async function readTexts(eventNids: readonly number[]): Promise<QueuedPdu[]> {
    const missing = eventNids.filter((eventNid) => !texts.has(eventNid));
    const read = new Map<number, string>();
    for (const row of await listEventsByNid(sql, missing)) {
      read.set(row.eventNid, row.json);
      texts.set(row.eventNid, row.json);
    }
    return eventNids.flatMap((eventNid) => {
      const json = read.get(eventNid) ?? texts.get(eventNid);
      return json === undefined ? [] : [{ eventNid, json }];
    });
  }

  return {
    add: async (entries, events) => {
      const named = new Set(entries.map((entry) => entry.eventNid));
      for (const { eventNid, json } of events) if (named.has(eventNid)) texts.set(eventNid, json);
      for (const entry of entries) if (!mirrored.has(entry.destination, entry.eventNid)) fresh.put(entry);
      if (fresh.count() > MAX_IN_MEMORY) await store();
    },
    noteStored: (destination) => {
      queued.set(destination, (queued.get(destination) ?? 0) + 1);
      noteStored(destination);
    },
    take: async (destination, limit) => {
      for (let writtenAt = stored.get(destination); writtenAt !== undefined; writtenAt = stored.get(destination)) {
        const parcel = await takeStored(destination, limit);
        if (parcel !== undefined) return parcel;
        if (stored.get(destination) !== writtenAt) continue;
        stored.delete(destination);
        queued.delete(destination);
      }
      const first = [...mirrored.list(destination), ...fresh.list(destination)].slice(0, limit);
      return { pdus: await readTexts(first.map((entry) => entry.eventNid)), caughtUp: [] };
    },
    acknowledge: async (destination, { pdus, caughtUp }) => {
      await storing.catch(() => undefined); // whoever stores sees its failure
      const eventNids = pdus.map((pdu) => pdu.eventNid).filter((eventNid) => !fresh.has(destination, eventNid));
      const known = eventNids.filter((eventNid) => mirrored.has(destination, eventNid));
      sent.push(...known.map((eventNid) => ({ destination, eventNid })));
      mirrored.drop(destination, known);
      fresh.drop(
        destination,
        pdus.map((pdu) => pdu.eventNid),
      );
      forgetCaughtUp(destination, caughtUp);
      await deleteCatchUp(sql, destination, caughtUp);
      const remembered = new Set(known);
      await deleteQueuedPdus(
        sql,
        destination,
        eventNids.filter((eventNid) => !remembered.has(eventNid)),
      );
      queued.set(destination, Math.max(0, (queued.get(destination) ?? 0) - eventNids.length));
    },
    store,
    destinations: () => stored.keys(),
    inMemory: fresh.count,
    onDisk: () => [...queued.values()].reduce((sum, count) => sum + count, 0),
  };

  async function store(): Promise<void> {
    storing = storing.then(storeNow, storeNow);
    await storing;
  }
}
