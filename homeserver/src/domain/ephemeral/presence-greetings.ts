import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Notifier } from '../streams/notifier.ts';
import { createNewcomers, type Newcomers } from './newcomers.ts';
import { MAX_ROOM_MEMBERS, type PresenceAudience } from './presence-audience.ts';
import type { PresenceEdus } from './presence-edus.ts';
import type { PresencePeople } from './presence-people.ts';
import type { Volatile } from './volatile.ts';

/** A server that enters a room takes a while to know who is in it; before that, presence would mean nothing to it. */
const GREET_AFTER_MS = 2_000;
const MAX_GREETINGS = 1_000;

type Deps = {
  rooms: Pick<HotRooms, 'peek'>;
  notifier: Notifier;
  volatile: Volatile;
  audience: PresenceAudience;
  people: PresencePeople;
  edus: PresenceEdus;
  serverName: string;
  isEnabled: boolean;
  report: (error: unknown) => void;
};

/** Who comes into a room is told who is there, and those who are there of them. */
export function createPresenceGreetings(deps: Deps): { newcomers: Newcomers; stop: () => void } {
  const { rooms, notifier, volatile, audience, people, edus, serverName, isEnabled, report } = deps;
  const greetings = new Set<NodeJS.Timeout>();

  function greet(server: string, localJoined: Iterable<number>): void {
    if (greetings.size >= MAX_GREETINGS) return;
    const timer = setTimeout(() => {
      greetings.delete(timer);
      edus.tellServers(
        [server],
        [...localJoined].flatMap((userNid) => people.find(userNid) ?? []),
      );
    }, GREET_AFTER_MS).unref();
    greetings.add(timer);
  }

  const newcomers = createNewcomers({
    rooms,
    notifier,
    volatile,
    maxMembers: MAX_ROOM_MEMBERS,
    forget: audience.forget,
    met: (newcomer, room) => {
      if (!isEnabled) return;
      const server = serverNameOf(newcomer.userId) ?? serverName;
      if (server !== serverName) return greet(server, room?.localJoined ?? []);
      const person = people.find(newcomer.userNid);
      if (person !== undefined) audience.of(newcomer.userNid).then((members) => edus.tellAudience(person, members), report);
    },
  });

  const stop = () => {
    for (const timer of greetings) clearTimeout(timer);
  };
  return { newcomers, stop };
}
