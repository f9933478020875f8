import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { Member } from '../../storage/memberships.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { PresenceAudience } from './presence-audience.ts';
import type { PresenceEdus } from './presence-edus.ts';
import type { Person, PresenceState } from './presence-status.ts';
import type { Volatile } from './volatile.ts';

/** How many people's presence is kept in memory, and of how many of one other server. */
const MAX_PEOPLE = 50_000;
const MAX_PEOPLE_OF_SERVER = 10_000;
/** Other servers take somebody for gone of whom they hear nothing for half an hour. */
const REMIND_AFTER_MS = 1_500_000;

export type PresentUser = { userId: string; userNid: number };

/** Everybody's presence, as far as it was heard of. */
export type PresencePeople = {
  find: (userNid: number) => Person | undefined;
  all: () => Iterable<[number, Person]>;
  /** Takes a change over, and tells those who are shown it. */
  change: (user: PresentUser, next: Partial<Person> & { presence: PresenceState }) => Promise<void>;
  /** Tells other servers of those again who stay, and of whom they have heard nothing for long. */
  remind: () => Promise<void>;
  /** When somebody's presence last changed. */
  lastChange: () => number;
};

type Deps = {
  audience: PresenceAudience;
  edus: PresenceEdus;
  notifier: Notifier;
  volatile: Volatile;
  clock: Clock;
  serverName: string;
};

export function createPresencePeople({ audience, edus, notifier, volatile, clock, serverName }: Deps): PresencePeople {
  const countBy = new Map<string, number>();
  const people = new LRUCache<number, Person>({
    max: MAX_PEOPLE,
    dispose: ({ userId }, _userNid, reason) => {
      if (reason !== 'set') count(userId, -1);
    },
  });
  let lastChange = 0;
  const isLocal = ({ userId }: Pick<Person, 'userId'>) => serverNameOf(userId) === serverName;

  function count(userId: string, change: 1 | -1): void {
    const server = serverNameOf(userId) ?? '';
    const people = (countBy.get(server) ?? 0) + change;
    if (people === 0) countBy.delete(server);
    else countBy.set(server, people);
  }

  /** Somebody new of another server that tells of very many pushes out nobody. */
  function isOneTooMany(userId: string): boolean {
    const server = serverNameOf(userId) ?? '';
    return server !== serverName && (countBy.get(server) ?? 0) >= MAX_PEOPLE_OF_SERVER;
  }

  function tellServers(person: Person, members: ReadonlyMap<number, Member>): void {
    if (!isLocal(person)) return;
    person.toldAt = clock.now();
    edus.tellAudience(person, members);
  }

  return {
    find: (userNid) => people.peek(userNid),
    all: () => people.entries(),
    lastChange: () => lastChange,
    change: async ({ userNid, userId }, next) => {
      const before = people.get(userNid);
      if (before === undefined && isOneTooMany(userId)) return;
      if (before === undefined) count(userId, 1);
      const person: Person = { userId, lastActiveAt: clock.now(), changedAt: 0, expiresAt: Number.POSITIVE_INFINITY, ...before, ...next };
      people.set(userNid, person);
      if (before !== undefined && before.presence === person.presence && before.statusMsg === person.statusMsg) return;
      if (before === undefined && person.presence === 'offline' && person.statusMsg === undefined) return;

      const members = await audience.of(userNid);
      person.changedAt = volatile.next();
      lastChange = person.changedAt;
      notifier.wakeUsers([userNid, ...[...members.values()].filter((member) => member.isLocal).map((member) => member.userNid)]);
      tellServers(person, members);
    },
    remind: async () => {
      const due = [...people.entries()].filter(
        ([, person]) =>
          isLocal(person) && person.presence !== 'offline' && clock.now() - (person.toldAt ?? Number.NEGATIVE_INFINITY) >= REMIND_AFTER_MS,
      );
      for (const [userNid, person] of due) tellServers(person, await audience.of(userNid));
    },
  };
}
