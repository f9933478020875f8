import type { JsonObject } from 'federation-spec/events/event.ts';

/** Most EDUs of this kind that wait for one server. The oldest are dropped: they tell of what is over. */
const MAX_WAITING = 200;

/** What is told to other servers while it is true and forgotten when it cannot be: typing, presence. A newer one with the same key replaces the older. */
export type EphemeralEdu = { key: string; eduType: string; content: JsonObject };

export type EphemeralEdus = {
  put: (destination: string, edu: EphemeralEdu) => void;
  take: (destination: string, limit: number) => EphemeralEdu[];
  has: (destination: string) => boolean;
  drop: (destination: string) => void;
};

export function createEphemeralEdus(): EphemeralEdus {
  const waiting = new Map<string, Map<string, EphemeralEdu>>();
  return {
    put: (destination, edu) => {
      const mine = waiting.get(destination) ?? new Map<string, EphemeralEdu>();
      waiting.set(destination, mine);
      mine.delete(edu.key);
      mine.set(edu.key, edu);
      const [oldest] = mine.keys();
      if (mine.size > MAX_WAITING && oldest !== undefined) mine.delete(oldest);
    },
    take: (destination, limit) => {
      const mine = waiting.get(destination);
      const taken = [...(mine?.values() ?? [])].slice(0, limit);
      for (const edu of taken) mine?.delete(edu.key);
      if (mine?.size === 0) waiting.delete(destination);
      return taken;
    },
    has: (destination) => waiting.has(destination),
    drop: (destination) => void waiting.delete(destination),
  };
}
