import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import type { Member } from '../../storage/memberships.ts';
import { listMembersOfSmallRooms, listUsersSharingSmallRooms } from '../../storage/presence.ts';
import { findUserNids } from '../../storage/users.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamToken } from '../streams/token.ts';
import { createNewcomers } from './newcomers.ts';
import { BUSY, MAX_STATUS_LENGTH, type Person, type PresenceState, type PresenceStatus, readUpdate, statusOf } from './presence-status.ts';
import type { SendVolatileEdu, Volatile } from './volatile.ts';

/** Presence is shared with people in rooms of at most so many joined members, and with so many people at most. */
const MAX_ROOM_MEMBERS = 100;
const MAX_AUDIENCE = 1_000;
/** How long it is remembered who shares rooms with whom. */
const AUDIENCE_TTL_MS = 60_000;
/** How many people's presence, and audiences, are kept in memory. */
const MAX_PEOPLE = 50_000;
/** A user who has not synced for so long is offline; longer than the longest sync waits. */
const OFFLINE_AFTER_MS = 150_000;
const SWEEP_EVERY_MS = 15_000;
/** A server that enters a room takes a while to know who is in it; before that, presence would mean nothing to it. */
const GREET_AFTER_MS = 2_000;
const MAX_GREETINGS = 1_000;
/** Most people read from one EDU. */
const MAX_EDU_PEOPLE = 100;

type User = { userId: string; userNid: number };

export type Presence = {
  set: (user: User, presence: PresenceState, statusMsg?: string | null) => Promise<void>;
  /** Throws M_FORBIDDEN unless the two share a room of bounded size. */
  find: (reader: User, userId: string) => Promise<PresenceStatus>;
  /** The user has synced, with the `set_presence` of that request. */
  synced: (user: User, presence: PresenceState) => void;
  receive: (origin: string, content: JsonObject) => Promise<void>;
  /** The `m.presence` events of those the user shares rooms with, that changed since the token. */
  listChanges: (userNid: number, after: StreamToken | undefined) => Promise<JsonObject[]>;
  /** The `m.presence` events of everybody whose presence changed since, with those who share rooms with them. */
  listChangedSince: (volatile: number) => Promise<{ user: User; audience: string[]; event: JsonObject }[]>;
  stop: () => void;
};

type Deps = {
  database: Database;
  rooms: Pick<HotRooms, 'peek'>;
  notifier: Notifier;
  volatile: Volatile;
  sendVolatile: SendVolatileEdu;
  clock: Clock;
  serverName: string;
  isEnabled: boolean;
  report: (error: unknown) => void;
};

/** Who is there, in memory. https://spec.matrix.org/latest/client-server-api/#presence */
export function createPresence(deps: Deps): Presence {
  const { database, rooms, notifier, volatile, sendVolatile, clock, serverName, isEnabled, report } = deps;
  const people = new LRUCache<number, Person>({ max: MAX_PEOPLE });
  const audiences = new LRUCache<number, Promise<Map<number, Member>>>({ max: MAX_PEOPLE, ttl: AUDIENCE_TTL_MS });
  let lastChange = 0;

  async function audienceOf(userNid: number): Promise<Map<number, Member>> {
    const known = audiences.get(userNid);
    if (known !== undefined) return await known;
    const loading = listUsersSharingSmallRooms(database.sql, { userNid, maxMembers: MAX_ROOM_MEMBERS, limit: MAX_AUDIENCE }).then(
      (members) => new Map(members.map((member) => [member.userNid, member])),
    );
    audiences.set(userNid, loading);
    loading.catch(() => audiences.delete(userNid));
    return await loading;
  }

  async function change({ userNid, userId }: User, next: Partial<Person> & { presence: PresenceState }): Promise<void> {
    const before = people.get(userNid);
    const person: Person = { userId, lastActiveAt: clock.now(), changedAt: 0, expiresAt: Number.POSITIVE_INFINITY, ...before, ...next };
    people.set(userNid, person);
    if (before !== undefined && before.presence === person.presence && before.statusMsg === person.statusMsg) return;
    if (before === undefined && person.presence === 'offline' && person.statusMsg === undefined) return;

    const audience = await audienceOf(userNid);
    person.changedAt = volatile.next();
    lastChange = person.changedAt;
    notifier.wakeUsers([userNid, ...[...audience.values()].filter((member) => member.isLocal).map((member) => member.userNid)]);
    if (serverNameOf(userId) === serverName) tellServers(person, audience);
  }

  function tellServers(person: Person, audience: ReadonlyMap<number, Member>): void {
    const remote = [...audience.values()].filter((member) => !member.isLocal);
    pushTo(
      remote.flatMap(({ userId }) => serverNameOf(userId) ?? []),
      [person],
    );
  }

  /** https://spec.matrix.org/latest/server-server-api/#presence */
  function pushTo(servers: Iterable<string>, told: readonly Person[]): void {
    const destinations = [...new Set(servers)].filter((server) => server !== serverName);
    const now = clock.now();
    const push = told.map((person) => ({ user_id: person.userId, last_active_ago: 0, ...statusOf(person, now) }));
    if (destinations.length === 0 || push.length === 0) return;
    sendVolatile(
      'm.presence',
      destinations.map((destination) => ({ destination, content: { push } })),
    );
  }

  const greetings = new Set<NodeJS.Timeout>();

  /** Who comes into a room is told who is there, and those who are there of them. */
  const newcomers = createNewcomers({
    rooms,
    notifier,
    volatile,
    maxMembers: MAX_ROOM_MEMBERS,
    forget: (userNid) => audiences.delete(userNid),
    met: (newcomer, room) => {
      if (!isEnabled) return;
      const server = serverNameOf(newcomer.userId) ?? serverName;
      if (server !== serverName) {
        if (greetings.size >= MAX_GREETINGS) return;
        const timer = setTimeout(() => {
          greetings.delete(timer);
          pushTo(
            [server],
            [...(room?.localJoined ?? [])].flatMap((userNid) => people.peek(userNid) ?? []),
          );
        }, GREET_AFTER_MS).unref();
        greetings.add(timer);
        return;
      }
      const person = people.peek(newcomer.userNid);
      if (person !== undefined) audienceOf(newcomer.userNid).then((audience) => tellServers(person, audience), report);
    },
  });

  const sweep = setInterval(() => {
    const now = clock.now();
    for (const [userNid, person] of people.entries()) {
      if (person.expiresAt > now || person.presence === 'offline') continue;
      change({ userNid, userId: person.userId }, { presence: 'offline', expiresAt: Number.POSITIVE_INFINITY }).catch(report);
    }
  }, SWEEP_EVERY_MS).unref();

  return {
    set: async (user, presence, statusMsg) => {
      if (!isEnabled) return;
      if ((statusMsg?.length ?? 0) > MAX_STATUS_LENGTH) throw invalidParam(`A status message has at most ${MAX_STATUS_LENGTH} characters.`);
      await change(user, { presence, statusMsg: statusMsg ?? undefined, lastActiveAt: clock.now() });
    },

    find: async (reader, userId) => {
      if (!isEnabled) return { presence: 'offline' };
      const userNid = (await findUserNids(database.sql, [userId])).get(userId);
      const isShared = userNid === reader.userNid || (userNid !== undefined && (await audienceOf(reader.userNid)).has(userNid));
      if (!isShared) throw forbidden(`You share no room with ${userId} in which presence is shown.`);
      const person = people.get(userNid);
      return person === undefined ? { presence: 'offline' } : statusOf(person, clock.now());
    },

    synced: (user, presence) => {
      if (!isEnabled) return;
      // Going offline is what happens by itself; a client that asks for it only keeps from showing itself.
      if (presence === 'offline') return;
      const now = clock.now();
      // Who is busy stays so until they say otherwise.
      const isBusy = people.peek(user.userNid)?.presence === BUSY;
      change(user, {
        presence: isBusy ? BUSY : presence,
        expiresAt: now + OFFLINE_AFTER_MS,
        ...(presence === 'online' ? { lastActiveAt: now } : {}),
      }).catch(report);
    },

    receive: async (origin, { push }) => {
      if (!isEnabled || !Array.isArray(push)) return;
      const updates = push.slice(0, MAX_EDU_PEOPLE).flatMap((entry) => readUpdate(entry, origin) ?? []);
      const nids = await findUserNids(
        database.sql,
        updates.map((update) => update.userId),
      );
      for (const { userId, lastActiveAgo, ...update } of updates) {
        const userNid = nids.get(userId);
        const expiresAt = update.presence === 'offline' ? Number.POSITIVE_INFINITY : clock.now() + 2 * OFFLINE_AFTER_MS;
        if (userNid !== undefined) await change({ userNid, userId }, { ...update, lastActiveAt: clock.now() - lastActiveAgo, expiresAt });
      }
    },

    listChanges: async (userNid, after) => {
      const isFresh = after === undefined || after.boot !== volatile.now().boot;
      if (!isEnabled) return [];
      const met = isFresh ? { userNids: [], roomNids: [] } : newcomers.listSince(userNid, after.volatile);
      const hasMet = met.userNids.length + met.roomNids.length > 0;
      if (!isFresh && lastChange <= after.volatile && !hasMet) return [];
      const newlyMet = new Set([...met.userNids, ...(await listMembersOfSmallRooms(database.sql, met.roomNids, MAX_ROOM_MEMBERS))]);
      const now = clock.now();
      return [userNid, ...(await audienceOf(userNid)).keys()].flatMap((otherNid) => {
        const person = people.peek(otherNid);
        if (person === undefined) return [];
        const isFirstSeen = isFresh || newlyMet.has(otherNid);
        if (isFirstSeen ? person.presence === 'offline' : person.changedAt <= after.volatile) return [];
        return [{ type: 'm.presence', sender: person.userId, content: statusOf(person, now) }];
      });
    },

    listChangedSince: async (after) => {
      if (!isEnabled || lastChange <= after) return [];
      const now = clock.now();
      const changed = [...people.entries()].filter(([, person]) => person.changedAt > after);
      return await Promise.all(
        changed.map(async ([userNid, person]) => ({
          user: { userNid, userId: person.userId },
          audience: [...(await audienceOf(userNid)).values()].map(({ userId }) => userId),
          event: { type: 'm.presence', sender: person.userId, content: { ...statusOf(person, now) } },
        })),
      );
    },

    stop: () => {
      clearInterval(sweep);
      for (const timer of greetings) clearTimeout(timer);
    },
  };
}
