import type { Clock } from '../../platform/clock.ts';
import type { PresencePeople, PresentUser } from './presence-people.ts';
import { BUSY, type PresenceState } from './presence-status.ts';

/** A user none of whose devices has synced for so long is offline. */
export const OFFLINE_AFTER_MS = 30_000;
const SWEEP_EVERY_MS = 5_000;

/** Who syncs is there, and for a while after. */
export type PresenceSyncs = {
  /** A sync begins, with the `set_presence` of its request. Gives what to call at its end. */
  begin: (user: PresentUser, presence: PresenceState) => () => void;
  stop: () => void;
};

type Deps = { people: PresencePeople; clock: Clock; report: (error: unknown) => void };

export function createPresenceSyncs({ people, clock, report }: Deps): PresenceSyncs {
  /** How many syncs of each user are under way. */
  const running = new Map<number, number>();

  function end({ userNid }: PresentUser): void {
    const left = (running.get(userNid) ?? 1) - 1;
    if (left > 0) running.set(userNid, left);
    else running.delete(userNid);
    const person = people.find(userNid);
    if (person !== undefined) person.expiresAt = clock.now() + OFFLINE_AFTER_MS;
  }

  const sweep = setInterval(() => {
    const now = clock.now();
    for (const [userNid, person] of people.all()) {
      if (person.expiresAt > now || person.presence === 'offline' || running.has(userNid)) continue;
      people.change({ userNid, userId: person.userId }, { presence: 'offline', expiresAt: Number.POSITIVE_INFINITY }).catch(report);
    }
    people.remind().catch(report);
  }, SWEEP_EVERY_MS).unref();

  return {
    begin: (user, presence) => {
      // Going offline is what happens by itself; a client that asks for it only keeps from showing itself.
      if (presence === 'offline') return () => undefined;
      running.set(user.userNid, (running.get(user.userNid) ?? 0) + 1);
      const now = clock.now();
      // Who is busy stays so until they say otherwise.
      const isBusy = people.find(user.userNid)?.presence === BUSY;
      people
        .change(user, {
          presence: isBusy ? BUSY : presence,
          expiresAt: now + OFFLINE_AFTER_MS,
          ...(presence === 'online' ? { lastActiveAt: now } : {}),
        })
        .catch(report);
      return () => end(user);
    },
    stop: () => clearInterval(sweep),
  };
}
