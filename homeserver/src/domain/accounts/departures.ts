import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Pool } from '../../storage/database.ts';
import { type DepartureRow, deleteDeparture, listDepartures } from '../../storage/departures.ts';
import type { Devices } from './devices.ts';
import type { IdentityBindings, UnbindResult } from './identity-bindings.ts';

type Leaver = { userNid: number; userId: string; erase: boolean };

/** Leaves all rooms and refuses all invites; resolves with how many could not be left. It stops between two rooms when it is told to. */
export type LeaveAllRooms = (user: Leaver, mayGoOn: () => boolean) => Promise<number>;

/**
 * What is left to do once an account has ended: logging its devices out, having identity servers forget it, leaving its rooms. It was
 * noted with the end of the account, and is taken up again after a crash and after a failure.
 */
export type Departures = {
  /** Does it for one account. Resolves once it is done, or when it takes long and goes on by itself. */
  begin(departure: DepartureRow): Promise<UnbindResult>;
  /** Takes up what was not finished when the server last ended, or what was begun from outside of it. */
  resume(): Promise<void>;
  stop(): Promise<void>;
};

/** How long whoever ends an account waits for its rooms to be left. */
const PATIENCE_MS = 5_000;
/** After how long a room that could not be left is tried again; each time it takes twice as long. */
const FIRST_RETRY_MS = 600_000;
const MAX_RETRY_MS = 86_400_000;
const MAX_DOUBLINGS = 8;
const GIVE_UP_MS = 30 * 86_400_000;

type Deps = {
  pool: Pool;
  devices: Pick<Devices, 'logOutAll'>;
  leaveAllRooms: LeaveAllRooms;
  identityBindings: Pick<IdentityBindings, 'unbindAll'>;
  clock: Clock;
  logger: Logger;
};

export function createDepartures({ pool, devices, leaveAllRooms, identityBindings, clock, logger }: Deps): Departures {
  const underWay = new Set<Promise<void>>();
  /** Whose departure this process sees to, now or by a timer. */
  const seenTo = new Set<number>();
  const timers = new Set<NodeJS.Timeout>();
  let isStopping = false;

  async function unbind(user: Leaver): Promise<UnbindResult> {
    return await identityBindings.unbindAll(user).catch((error: unknown): UnbindResult => {
      logger.warn({ err: error, userId: user.userId }, 'an identity server may still know this person');
      return 'no-support';
    });
  }

  async function leave(departure: DepartureRow, round: number): Promise<void> {
    const remaining = await leaveAllRooms(departure, () => !isStopping);
    if (isStopping) return;
    const { userNid, userId, begunAt } = departure;
    if (remaining === 0) return await deleteDeparture(pool, userNid);
    if (clock.now() - begunAt > GIVE_UP_MS) {
      logger.error({ userId, remaining }, 'somebody whose account has ended could not be taken out of all rooms');
      return await deleteDeparture(pool, userNid);
    }
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(round, MAX_DOUBLINGS), MAX_RETRY_MS);
    const timer = setTimeout(() => {
      timers.delete(timer);
      void track(leave(departure, round + 1), userId);
    }, waitMs);
    timers.add(timer.unref());
  }

  /** A failure is told and leaves the note where it is: the next start tries again. */
  function track(work: Promise<void>, userId: string): Promise<void> {
    const done = work
      .catch((error: unknown) => logger.error({ err: error, userId }, 'somebody whose account has ended is not out of everything yet'))
      .finally(() => underWay.delete(done));
    underWay.add(done);
    return done;
  }

  return {
    async begin(departure) {
      seenTo.add(departure.userNid);
      await devices.logOutAll(departure);
      const unbound = await unbind(departure);
      await Promise.race([track(leave(departure, 0), departure.userId), patience()]);
      return unbound;
    },
    async resume() {
      for (const departure of await listDepartures(pool)) {
        if (isStopping || seenTo.has(departure.userNid)) continue;
        seenTo.add(departure.userNid);
        logger.info({ userId: departure.userId }, 'the end of an account is taken up again');
        void track(
          devices
            .logOutAll(departure)
            .then(() => unbind(departure))
            .then(() => leave(departure, 0)),
          departure.userId,
        );
      }
    },
    async stop() {
      isStopping = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(underWay);
    },
  };
}

function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
}
