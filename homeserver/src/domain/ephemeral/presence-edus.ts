import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Member } from '../../storage/memberships.ts';
import { type Person, statusOf } from './presence-status.ts';
import type { SendVolatileEdu } from './volatile.ts';

/** Tells other servers who is there. https://spec.matrix.org/latest/server-server-api/#presence */
export type PresenceEdus = {
  tellServers: (servers: Iterable<string>, told: readonly Person[]) => void;
  /** Tells the servers of those who share rooms with one of ours. */
  tellAudience: (person: Person, audience: ReadonlyMap<number, Member>) => void;
};

type Deps = { sendVolatile: SendVolatileEdu; clock: Clock; serverName: string };

export function createPresenceEdus({ sendVolatile, clock, serverName }: Deps): PresenceEdus {
  function tellServers(servers: Iterable<string>, told: readonly Person[]): void {
    const destinations = [...new Set(servers)].filter((server) => server !== serverName);
    const now = clock.now();
    const push = told.map((person) => ({ user_id: person.userId, last_active_ago: 0, ...statusOf(person, now) }));
    if (destinations.length === 0 || push.length === 0) return;
    sendVolatile(
      'm.presence',
      destinations.map((destination) => ({ destination, content: { push } })),
    );
  }

  return {
    tellServers,
    tellAudience: (person, audience) => {
      const remote = [...audience.values()].filter((member) => !member.isLocal);
      tellServers(
        remote.flatMap(({ userId }) => serverNameOf(userId) ?? []),
        [person],
      );
    },
  };
}
