import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Metrics } from '../../../platform/metrics.ts';
import type { Random } from '../../../platform/random.ts';
import type { Database } from '../../../storage/database.ts';
import { listTimelineForwards, type StoredEvent } from '../../../storage/events.ts';
import { countOutbox } from '../../../storage/federation-outbox.ts';
import type { CatchUpEntry } from '../../../storage/federation-queue.ts';
import { listOwnStickyNids } from '../../../storage/sticky-events.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { createFollower } from '../../streams/follower.ts';
import type { Log } from '../../streams/log.ts';
import { type Committed, positionOf } from '../../streams/log-batch.ts';
import type { Notifier } from '../../streams/notifier.ts';
import type { FederationClient } from '../federation-client.ts';
import type { PeerPolicy } from '../peer-policy.ts';
import { createAlarm } from './alarm.ts';
import { createBacklog } from './backlog.ts';
import { createDestinationQueue, type DestinationQueue } from './destination-queue.ts';
import { createEphemeralEdus, type EphemeralEdu } from './ephemeral-edus.ts';
import { createFindDestinations } from './find-destinations.ts';
import { createOutboundMetrics } from './outbound-metrics.ts';
import { createOutbox, type NoteDelivered } from './outbox.ts';
import type { Reachability } from './reachability.ts';
import { createSendParcel } from './send-parcel.ts';
import { createSendSlots } from './send-slots.ts';

/** How many events are read from the log at a time. */
const PAGE_EVENTS = 500;
/** How many idle queues are kept. */
const MAX_QUEUES = 5_000;

export type Outbound = {
  /** Events were queued for these servers, on disk. */
  wake: (destinations: Iterable<string>) => void;
  /** Tells servers of what passes: typing, presence. Lost when they cannot be reached. */
  sendEphemeral: (destinations: Iterable<string>, edu: EphemeralEdu) => void;
  stop: () => Promise<void>;
};

type Deps = {
  database: Database;
  client: FederationClient;
  reachability: Reachability;
  rooms: HotRooms;
  log: Log;
  notifier: Notifier;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: Metrics;
  serverName: string;
  mayFederate: PeerPolicy;
  noteDelivered: NoteDelivered;
};

/**
 * Follows the log and sends other servers what concerns them. What is not sent by the time the cursor is saved is put on disk first, so
 * that a crash loses nothing; what was sent since the cursor was saved is then sent again, which does no harm.
 */
export async function createOutbound(deps: Deps): Promise<Outbound> {
  const { database, reachability, rooms, log, notifier, logger, serverName, mayFederate } = deps;
  const { sql } = database;
  const ephemeral = createEphemeralEdus();
  const slots = createSendSlots();
  const queues = new Map<string, DestinationQueue>();
  const backlog = await createBacklog({ database, logger, listRoomHeads, isAway: reachability.isFailing });
  const outbox = await createOutbox({ database, ephemeral, isFailing: reachability.isFailing, noteDelivered: deps.noteDelivered, logger });
  const findDestinations = createFindDestinations({ sql, rooms, clock: deps.clock, serverName, mayFederate });
  const metrics = createOutboundMetrics(deps.metrics, {
    eventsInMemory: backlog.inMemory,
    eventsOnDisk: backlog.onDisk,
    edus: () => countOutbox(sql),
    destinations: () => queues.size,
    slow: slots.slow,
    failing: reachability.count,
    lag: () => log.position() - follower.position(),
  });
  const alarm = createAlarm({
    waitMs: reachability.waitMs,
    isAway: (destination) => reachability.findFailure(destination) !== undefined,
    isLineFull: slots.areFailingFull,
    ring: (destination) => queueOf(destination).wake(),
  });
  const queueDeps = { sleep: alarm.set, backlog, outbox, reachability, slots, metrics, logger, sendParcel: createSendParcel(deps) };

  reachability.onAlive(alarm.lookAgain);

  function queueOf(destination: string): DestinationQueue {
    const known = queues.get(destination);
    if (known !== undefined) return known;
    if (queues.size >= MAX_QUEUES) for (const [name, queue] of queues) if (queue.isIdle()) queues.delete(name);
    const made = createDestinationQueue(destination, queueDeps);
    queues.set(destination, made);
    return made;
  }

  function wake(destinations: Iterable<string>): void {
    for (const destination of destinations) {
      if (!mayFederate(destination)) continue;
      if (reachability.isFailing(destination) || reachability.waitMs(destination) > 0) alarm.set(destination);
      else queueOf(destination).wake();
    }
  }

  /**
   * A server that is still in the room is sent the room's heads, whoever made them, and what we bring everybody for a while; one that is not,
   * the last that concerned it.
   */
  async function listRoomHeads(destination: string, { roomNid, eventNid }: CatchUpEntry): Promise<number[]> {
    const room = await rooms.loadByNid(roomNid);
    if (room?.joinedServers.has(destination) !== true) return [eventNid];
    const heads = room.heads.map((head) => head.eventNid);
    await log.drained(); // memory may be ahead of what can be read
    return [...new Set([...(await listOwnStickyNids(sql, roomNid, deps.clock.now())), ...heads])];
  }

  async function take(events: readonly StoredEvent[]): Promise<void> {
    const entries = await findDestinations(events);
    await backlog.add(entries, events);
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
      beforeSave: backlog.store,
      handle: async ({ after, upTo }) => {
        if (after >= knownAfter && lastConcerning <= after) return;
        for (let from = after; ; ) {
          const events = await listTimelineForwards(sql, { after: from, upTo, limit: PAGE_EVENTS });
          await take(events);
          const last = events.at(-1)?.position;
          if (events.length < PAGE_EVENTS || last == null) return;
          from = last;
        }
      },
    },
  );
  notifier.onCommit(({ wakes }: Committed) => {
    for (const { destinations } of wakes) {
      if (destinations === undefined) continue;
      for (const destination of destinations) outbox.note(destination);
      wake(destinations);
    }
  });
  wake([...backlog.destinations(), ...outbox.destinations()]);

  return {
    wake: (destinations) => {
      const all = [...destinations];
      for (const destination of all) backlog.noteStored(destination);
      wake(all);
    },
    sendEphemeral: (destinations, edu) => {
      for (const destination of destinations) {
        if (!mayFederate(destination) || reachability.waitMs(destination) > 0) continue;
        ephemeral.put(destination, edu);
        queueOf(destination).wake();
      }
    },
    stop: async () => {
      await follower.stop();
      alarm.stop();
      await Promise.all([...queues.values()].map((queue) => queue.stop()));
      await outbox.settled();
      await backlog.store();
    },
  };
}
