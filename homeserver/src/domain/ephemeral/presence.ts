import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { listMembersOfSmallRooms } from '../../storage/presence.ts';
import { findUserNids } from '../../storage/users.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamToken } from '../streams/token.ts';
import { createPresenceAudience, MAX_ROOM_MEMBERS } from './presence-audience.ts';
import { createPresenceEdus } from './presence-edus.ts';
import { createPresenceGreetings } from './presence-greetings.ts';
import { createPresencePeople, type PresentUser } from './presence-people.ts';
import { MAX_STATUS_LENGTH, type Person, type PresenceState, type PresenceStatus, readUpdate, statusOf } from './presence-status.ts';
import { createPresenceSyncs, OFFLINE_AFTER_MS } from './presence-syncs.ts';
import type { SendVolatileEdu, Volatile } from './volatile.ts';

/** Another server says when its user goes offline, and that they stay every 25 minutes; we believe them to be there for a while longer. */
const REMOTE_OFFLINE_AFTER_MS = 1_800_000;
/** Most people read from one EDU. */
const MAX_EDU_PEOPLE = 100;
const OFFLINE: PresenceStatus = { presence: 'offline' };

export type Presence = {
  set: (user: PresentUser, presence: PresenceState, statusMsg?: string | null) => Promise<void>;
  /** Throws M_FORBIDDEN unless the two share a room of bounded size. */
  find: (reader: PresentUser, userId: string) => Promise<PresenceStatus>;
  /** A sync of the user begins, with the `set_presence` of its request. Gives what to call at its end. */
  synced: (user: PresentUser, presence: PresenceState) => () => void;
  receive: (origin: string, content: JsonObject) => Promise<void>;
  /** The `m.presence` events of those the user shares rooms with, that changed since the token. */
  listChanges: (userNid: number, after: StreamToken | undefined) => Promise<JsonObject[]>;
  /** The `m.presence` events of everybody whose presence changed since, with those who share rooms with them. */
  listChangedSince: (volatile: number) => Promise<{ user: PresentUser; audience: string[]; event: JsonObject }[]>;
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
  const { database, clock } = deps;
  const audience = createPresenceAudience(deps);
  const edus = createPresenceEdus(deps);
  const people = createPresencePeople({ ...deps, audience, edus });
  const syncs = createPresenceSyncs({ ...deps, people });
  const { newcomers, stop } = createPresenceGreetings({ ...deps, audience, edus, people });
  const toEvent = (person: Person): JsonObject => ({
    type: 'm.presence',
    sender: person.userId,
    content: { ...statusOf(person, clock.now()) },
  });

  async function find(reader: PresentUser, userId: string): Promise<PresenceStatus> {
    const userNid = (await findUserNids(database.sql, [userId])).get(userId);
    const isShared = userNid === reader.userNid || (userNid !== undefined && (await audience.of(reader.userNid)).has(userNid));
    if (!isShared) throw forbidden(`You share no room with ${userId} in which presence is shown.`);
    const person = people.find(userNid);
    return person === undefined ? OFFLINE : statusOf(person, clock.now());
  }

  async function receive(origin: string, { push }: JsonObject): Promise<void> {
    if (!Array.isArray(push)) return;
    const updates = push.slice(0, MAX_EDU_PEOPLE).flatMap((entry) => readUpdate(entry, origin) ?? []);
    const nids = await findUserNids(
      database.sql,
      updates.map((update) => update.userId),
    );
    for (const { userId, lastActiveAgo, ...update } of updates) {
      const userNid = nids.get(userId);
      const expiresAt = update.presence === 'offline' ? Number.POSITIVE_INFINITY : clock.now() + REMOTE_OFFLINE_AFTER_MS;
      if (userNid !== undefined)
        await people.change({ userNid, userId }, { ...update, lastActiveAt: clock.now() - lastActiveAgo, expiresAt });
    }
  }

  async function listChanges(userNid: number, after: StreamToken | undefined): Promise<JsonObject[]> {
    const isFresh = after === undefined || after.boot !== deps.volatile.now().boot;
    const met = isFresh ? { userNids: [], roomNids: [] } : newcomers.listSince(userNid, after.volatile);
    const hasMet = met.userNids.length + met.roomNids.length > 0;
    if (!isFresh && people.lastChange() <= after.volatile && !hasMet) return [];
    const newlyMet = new Set([...met.userNids, ...(await listMembersOfSmallRooms(database.sql, met.roomNids, MAX_ROOM_MEMBERS))]);
    return [userNid, ...(await audience.of(userNid)).keys()].flatMap((otherNid) => {
      const person = people.find(otherNid);
      if (person === undefined) return [];
      const isFirstSeen = isFresh || newlyMet.has(otherNid);
      return (isFirstSeen ? person.presence === 'offline' : person.changedAt <= after.volatile) ? [] : [toEvent(person)];
    });
  }

  async function listChangedSince(after: number) {
    if (people.lastChange() <= after) return [];
    const changed = [...people.all()].filter(([, person]) => person.changedAt > after);
    return await Promise.all(
      changed.map(async ([userNid, person]) => ({
        user: { userNid, userId: person.userId },
        audience: [...(await audience.of(userNid)).values()].map(({ userId }) => userId),
        event: toEvent(person),
      })),
    );
  }

  const stopAll = () => {
    syncs.stop();
    stop();
  };
  if (!deps.isEnabled) {
    const [nothing, nobody, never] = [async () => undefined, async () => [], () => () => undefined];
    return {
      set: nothing,
      find: async () => OFFLINE,
      synced: never,
      receive: nothing,
      listChanges: nobody,
      listChangedSince: nobody,
      stop: stopAll,
    };
  }
  return {
    set: async (user, presence, statusMsg) => {
      if ((statusMsg?.length ?? 0) > MAX_STATUS_LENGTH) throw invalidParam(`A status message has at most ${MAX_STATUS_LENGTH} characters.`);
      const now = clock.now();
      await people.change(user, { presence, statusMsg: statusMsg ?? undefined, lastActiveAt: now, expiresAt: now + OFFLINE_AFTER_MS });
    },
    find,
    synced: syncs.begin,
    receive,
    listChanges,
    listChangedSince,
    stop: stopAll,
  };
}
