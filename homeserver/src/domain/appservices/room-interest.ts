import { LRUCache } from 'lru-cache';
import { listAliasesOfRoom } from '../../storage/aliases.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listJoinedAt } from '../../storage/memberships.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { type LoggedEvent, positionOf } from '../streams/log-batch.ts';
import { type Appservice, isWithin, ownsUser } from './appservice.ts';

/** For how many rooms it is remembered which services have users in them. */
const MAX_ROOMS = 10_000;
const MEMBER = 'm.room.member';

/** What a service finds interesting: events by and about its users, and everything in rooms that they, or its namespaces, are in. */
export type RoomInterest = {
  /** The services that are to hear of an event. Events of a room are asked about in the order of the log. */
  ofEvent: (row: StoredEvent, roomId: string) => Promise<Appservice[]>;
  /** Whether a service is to hear of what goes on in a room, as far as the log was followed. */
  isRoomOf: (appservice: Appservice, room: { nid: number; roomId: string }) => Promise<boolean>;
  /** Told of what was committed, so that what changes without an event of its own is not overlooked. */
  committed: (events: readonly LoggedEvent[]) => void;
};

/** Of a room, the joined users of each service, as they were after an event of the log. */
type Known = { users: Map<string, Set<string>>; asOf: number };

/** `position`: how far the log was followed at the start. */
type Deps = { database: Database; appservices: readonly Appservice[]; position: number };

/** https://spec.matrix.org/latest/application-service-api/#registration */
export function createRoomInterest({ database, appservices, position }: Deps): RoomInterest {
  const rooms = new LRUCache<number, Known>({ max: MAX_ROOMS });
  /** By room, where somebody's membership last changed without an event of their own. */
  const silentChanges = new LRUCache<number, number>({ max: MAX_ROOMS });
  /** The log goes on while it is followed: who is in a room now may not have been at the event that is looked at. */
  let followedTo = position;
  const wantAliases = appservices.some(({ namespaces }) => namespaces.aliases.length > 0);

  async function usersIn(roomNid: number, at: number): Promise<Known> {
    const known = rooms.get(roomNid);
    const silentChange = silentChanges.get(roomNid) ?? 0;
    const isAsThen = known !== undefined && known.asOf <= at && (known.asOf >= silentChange || silentChange > at);
    if (isAsThen) return known;
    const members = await listJoinedAt(database.sql, roomNid, at);
    const users = new Map<string, Set<string>>();
    for (const appservice of appservices) {
      const own = members.filter((userId) => ownsUser(appservice, userId));
      if (own.length > 0) users.set(appservice.id, new Set(own));
    }
    const read = { users, asOf: at };
    rooms.set(roomNid, read);
    return read;
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
      const at = positionOf(row);
      const known = await usersIn(row.roomNid, at - 1);
      const { users } = known;
      const aliases = await aliasesOf(row.roomNid);
      const target = event.type === MEMBER ? event.state_key : undefined;
      const isConcerned = (appservice: Appservice) =>
        ownsUser(appservice, event.sender) ||
        (target !== undefined && ownsUser(appservice, target)) ||
        isInRoom(appservice, users, roomId, aliases);
      const interested = appservices.filter(isConcerned);
      if (target !== undefined) take(users, target, event.content['membership'] === 'join');
      known.asOf = silentChanges.get(row.roomNid) === at ? at - 1 : at;
      followedTo = at;
      return interested;
    },
    isRoomOf: async (appservice, { nid, roomId }) => {
      const { users } = await usersIn(nid, followedTo);
      return isInRoom(appservice, users, roomId, await aliasesOf(nid));
    },
    committed: (events) => {
      for (const { row, memberships } of events) {
        const isOwn = memberships.length === 1 && memberships[0]?.eventNid === row.eventNid;
        if (memberships.length > 0 && !isOwn) silentChanges.set(row.roomNid, positionOf(row));
      }
    },
  };
}
