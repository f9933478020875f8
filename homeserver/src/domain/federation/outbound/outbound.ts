import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { listTimelineForwards, type StoredEvent } from '../../../storage/events.ts';
import { listOutboxDestinations } from '../../../storage/federation-outbox.ts';
import { enqueuePdus, listQueueDestinations } from '../../../storage/federation-queue.ts';
import { listUsersByNid } from '../../../storage/users.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { readPdu } from '../../rooms/read-pdu.ts';
import { createFollower } from '../../streams/follower.ts';
import type { Log } from '../../streams/log.ts';
import { type Committed, positionOf } from '../../streams/log-batch.ts';
import type { Notifier } from '../../streams/notifier.ts';
import type { PeerPolicy } from '../peer-policy.ts';
import { createDestinationQueue, type DestinationDeps, type DestinationQueue } from './destination-queue.ts';
import { createEphemeralEdus, type EphemeralEdu } from './ephemeral-edus.ts';
import { createSlots } from './slots.ts';

/** How many events are read from the log at a time. */
const PAGE_EVENTS = 500;
/** How many transactions are under way at a time, to all servers together. */
const MAX_PARALLEL_SENDS = 64;
/** How many idle queues are kept. */
const MAX_QUEUES = 5_000;

export type Outbound = {
  /** Something was queued for these servers. */
  wake: (destinations: Iterable<string>) => void;
  /** The server has just proved to be alive. */
  sawServer: (serverName: string) => void;
  /** Tells servers of what passes: typing, presence. Lost when they cannot be reached. */
  sendEphemeral: (destinations: Iterable<string>, edu: EphemeralEdu) => void;
  stop: () => Promise<void>;
};

type Deps = Omit<DestinationDeps, 'ephemeral' | 'inTurn'> & { rooms: HotRooms; log: Log; notifier: Notifier; mayFederate: PeerPolicy };

/** Follows the log and sends other servers what concerns them. What it has read and not yet sent stands in a queue on disk. */
export async function createOutbound(deps: Deps): Promise<Outbound> {
  const { database, rooms, log, notifier, logger, serverName, mayFederate } = deps;
  const { sql } = database;
  const ephemeral = createEphemeralEdus();
  const slots = createSlots(MAX_PARALLEL_SENDS);
  const queues = new Map<string, DestinationQueue>();

  function queueOf(destination: string): DestinationQueue {
    const known = queues.get(destination);
    if (known !== undefined) return known;
    if (queues.size >= MAX_QUEUES) for (const [name, queue] of queues) if (queue.isIdle()) queues.delete(name);
    const made = createDestinationQueue(destination, { ...deps, ephemeral, inTurn: slots.run });
    queues.set(destination, made);
    return made;
  }

  function wake(destinations: Iterable<string>): void {
    for (const destination of destinations) if (mayFederate(destination)) queueOf(destination).wake();
  }

  /** The servers that are in the room, and the one of the person an event is about, who may just have been put out. */
  async function destinationsOf(event: StoredEvent): Promise<Set<string>> {
    const room = await rooms.loadByNid(event.roomNid);
    const destinations = new Set(room?.joinedServers.keys());
    if (event.type === 'm.room.member') destinations.add(serverNameOf(readPdu(event.json).state_key ?? '') ?? serverName);
    return new Set([...destinations].filter(mayFederate));
  }

  async function enqueue(events: readonly StoredEvent[]): Promise<void> {
    const senders = await listUsersByNid(sql, [...new Set(events.map((event) => event.senderNid))]);
    const local = new Set(senders.filter((sender) => sender.isLocal).map((sender) => sender.userNid));
    const entries: { destination: string; eventNid: number }[] = [];
    for (const event of events) {
      if (!local.has(event.senderNid)) continue;
      for (const destination of await destinationsOf(event)) entries.push({ destination, eventNid: event.eventNid });
    }
    await enqueuePdus(sql, entries);
    wake(new Set(entries.map((entry) => entry.destination)));
  }

  // Most rooms of most servers are their own: what memory knows to concern nobody else is not read again.
  const knownAfter = log.position();
  let lastConcerning = knownAfter;
  notifier.onCommit(({ events }: Committed) => {
    for (const { row } of events) if (!isOwnAffair(rooms.peek(row.roomNid), row)) lastConcerning = positionOf(row);
  });

  /** Whether an event concerns this server's users only. */
  function isOwnAffair(room: HotRoom | undefined, row: StoredEvent): boolean {
    return room !== undefined && row.type !== 'm.room.member' && [...room.joinedServers.keys()].every((server) => server === serverName);
  }

  const follower = await createFollower(
    { database, log, notifier, logger },
    {
      name: 'federation',
      startsAt: 'now',
      handle: async ({ after, upTo }) => {
        if (after >= knownAfter && lastConcerning <= after) return;
        for (let from = after; ; ) {
          const events = await listTimelineForwards(sql, { after: from, upTo, limit: PAGE_EVENTS });
          await enqueue(events);
          const last = events.at(-1)?.position;
          if (events.length < PAGE_EVENTS || last == null) return;
          from = last;
        }
      },
    },
  );
  notifier.onCommit(({ wakes }: Committed) => {
    for (const { destinations } of wakes) if (destinations !== undefined) wake(destinations);
  });
  wake([...(await listQueueDestinations(sql)), ...(await listOutboxDestinations(sql))]);

  return {
    wake,
    sawServer: (name) => queues.get(name)?.sawAlive(),
    sendEphemeral: (destinations, edu) => {
      for (const destination of destinations) {
        if (!mayFederate(destination)) continue;
        ephemeral.put(destination, edu);
        queueOf(destination).wake();
      }
    },
    stop: async () => {
      await follower.stop();
      await Promise.all([...queues.values()].map((queue) => queue.stop()));
    },
  };
}
