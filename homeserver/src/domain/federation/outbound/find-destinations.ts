import { isJsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Sql } from '../../../storage/database.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import type { QueueEntry } from '../../../storage/federation-queue.ts';
import { listOwnStickyNids } from '../../../storage/sticky-events.ts';
import { listUsersByNid } from '../../../storage/users.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { readPdu } from '../../rooms/read-pdu.ts';
import type { PeerPolicy } from '../peer-policy.ts';

/** Which servers are to be sent which of these events, which come in the order of the log. */
export type FindDestinations = (events: readonly StoredEvent[]) => Promise<QueueEntry[]>;

type Deps = { sql: Sql; rooms: HotRooms; clock: Clock; serverName: string; mayFederate: PeerPolicy };

/**
 * - Our own events go to the servers that were in the room.
 * - The event by which somebody leaves, or is put out, goes to their server too.
 * - A server that has just come in by an event which does not build upon all the room's heads is sent the others, or it might never hear
 *   of them: they were made before anybody knew that it is there.
 * - And it is sent those of our own events that everybody in the room is brought while their time runs (MSC4354).
 */
export function createFindDestinations({ sql, rooms, clock, serverName, mayFederate }: Deps): FindDestinations {
  const isOther = (server: string | undefined): server is string => server !== undefined && server !== serverName && mayFederate(server);

  async function listLocal(events: readonly StoredEvent[]): Promise<ReadonlySet<number>> {
    const senders = await listUsersByNid(sql, [...new Set(events.map((event) => event.senderNid))]);
    return new Set(senders.filter((sender) => sender.isLocal).map((sender) => sender.userNid));
  }

  return async (events) => {
    const local = await listLocal(events);
    const entries: QueueEntry[] = [];
    for (const event of events) {
      const isOurs = local.has(event.senderNid);
      const comer = isOurs ? undefined : serverThatComes(event);
      if (!isOurs && !isOther(comer)) continue;
      const room = await rooms.loadByNid(event.roomNid);
      if (room === undefined) continue;
      if (isOurs) {
        const destinations = room.serversAround(event.position ?? 0);
        for (const destination of [...destinations, ...serversPutOut(event)])
          if (isOther(destination)) entries.push({ destination, roomNid: room.nid, eventNid: event.eventNid });
      } else if (isOther(comer) && room.joinedServers.get(comer) === 1) {
        const others = room.heads.filter((head) => head.eventNid !== event.eventNid).map(({ eventNid }) => eventNid);
        const all = new Set([...(await listOwnStickyNids(sql, room.nid, clock.now())), ...others]);
        entries.push(...[...all].map((eventNid) => ({ destination: comer, roomNid: room.nid, eventNid })));
      }
    }
    return entries;
  };
}

/** Who was invited, or knocked, learns by such an event that it is over. */
function serversPutOut(event: StoredEvent): string[] {
  const change = membershipOf(event);
  return change?.membership === 'leave' || change?.membership === 'ban' ? [change.server] : [];
}

function serverThatComes(event: StoredEvent): string | undefined {
  const change = membershipOf(event);
  return change?.membership === 'join' ? change.server : undefined;
}

function membershipOf(event: StoredEvent): { membership: unknown; server: string } | undefined {
  if (event.type !== 'm.room.member' || event.keyNid === null) return undefined;
  const { state_key: userId, content } = readPdu(event.json);
  const server = serverNameOf(userId ?? '');
  return server === undefined || !isJsonObject(content) ? undefined : { membership: content['membership'], server };
}
