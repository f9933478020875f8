import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Random } from '../../platform/random.ts';

/** The place of what lives in memory only: a count of its changes, and the start of the server that the count belongs to. */
export type Volatile = {
  now: () => { boot: string; volatile: number };
  /** Counts a change and returns its number. */
  next: () => number;
};

const BOOT_BYTES = 6;

export function createVolatile(random: Random): Volatile {
  const boot = Buffer.from(random.bytes(BOOT_BYTES)).toString('hex');
  let volatile = 0;
  return {
    now: () => ({ boot, volatile }),
    next: () => {
      volatile += 1;
      return volatile;
    },
  };
}

/** Sends EDUs that are worth sending now or never: they are kept in memory only, and lost when the other server cannot be reached. */
export type SendVolatileEdu = (eduType: string, contents: readonly { destination: string; content: JsonObject }[]) => void;
