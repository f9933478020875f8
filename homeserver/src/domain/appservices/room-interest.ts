import { LRUCache } from 'lru-cache';
import { listAliasesOfRoom } from '../../storage/aliases.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listJoinedMembers } from '../../storage/memberships.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { LoggedEvent } from '../streams/log-batch.ts';
import { type Appservice, isWithin, ownsUser } from './appservice.ts';

/** For how many rooms it is remembered which services have users in them. */
const MAX_ROOMS = 10_000;
const MEMBER = 'm.room.member';

/** What a service finds interesting: events by and about its users, and everything in rooms that they, or its namespaces, are in. */
export type RoomInterest = {
  /** The services that are to hear of an event. Events of a room are asked about in the order of the log. */
  ofEvent: (row: StoredEvent, roomId: string) => Promise<Appservice[]>;
  /** Whether a service is to hear of what goes on in a room now. */
  isRoomOf: (appservice: Appservice, room: { nid: number; roomId: string }) => Promise<boolean>;
  /** Told of what was committed, so that what changes without an event of its own is not overlooked. */
  committed: (events: readonly LoggedEvent[]) => void;
};

type Deps = { database: Database; appservices: readonly Appservice[] };

/** https://spec.matrix.org/latest/application-service-api/#registration */
export function createRoomInterest({ database, appservices }: Deps): RoomInterest {
  /** Of each room, the joined users of each service. */
  const rooms = new LRUCache<number, Map<string, Set<string>>>({ max: MAX_ROOMS });
  const wantAliases = appservices.some(({ namespaces }) => namespaces.aliases.length > 0);

  async function usersIn(roomNid: number): Promise<Map<string, Set<string>>> {
    const known = rooms.get(roomNid);
    if (known !== undefined) return known;
    const members = await listJoinedMembers(database.sql, roomNid, { localOnly: false });
    const users = new Map<string, Set<string>>();
    for (const appservice of appservices) {
      const own = members.filter(({ userId }) => ownsUser(appservice, userId)).map(({ userId }) => userId);
      if (own.length > 0) users.set(appservice.id, new Set(own));
    }
    rooms.set(roomNid, users);
    return users;
  }

  function take(users: Map<string, Set<string>>, userId: string, isJoined: boolean): void {
    for (const appservice of appservices) {
      if (!ownsUser(appservice, userId)) continue;
      const own = users.get(appservice.id) ?? new Set();
      if (isJoined) own.add(userId);
      else own.delete(userId);
      users.set(appservice.id, own);
    }
  }

  async function aliasesOf(roomNid: number): Promise<string[]> {
    return wantAliases ? await listAliasesOfRoom(database.sql, roomNid) : [];
  }

  function isInRoom(appservice: Appservice, users: Map<string, Set<string>>, roomId: string, aliases: readonly string[]): boolean {
    const { namespaces } = appservice;
    if ((users.get(appservice.id)?.size ?? 0) > 0 || isWithin(namespaces.rooms, roomId)) return true;
    return aliases.some((alias) => isWithin(namespaces.aliases, alias));
  }

  return {
    ofEvent: async (row, roomId) => {
      const event = readPdu(row.json);
      const users = await usersIn(row.roomNid);
      const aliases = await aliasesOf(row.roomNid);
      const target = event.type === MEMBER ? event.state_key : undefined;
      const isConcerned = (appservice: Appservice) =>
        ownsUser(appservice, event.sender) ||
        (target !== undefined && ownsUser(appservice, target)) ||
        isInRoom(appservice, users, roomId, aliases);
      const interested = appservices.filter(isConcerned);
      if (target !== undefined) take(users, target, event.content['membership'] === 'join');
      return interested;
    },
    isRoomOf: async (appservice, { nid, roomId }) => isInRoom(appservice, await usersIn(nid), roomId, await aliasesOf(nid)),
    committed: (events) => {
      for (const { row, memberships } of events) {
        const isOwn = memberships.length === 1 && memberships[0]?.eventNid === row.eventNid;
        if (memberships.length > 0 && !isOwn) rooms.delete(row.roomNid);
      }
    },
  };
}
