/** There are too many already who wait under the same name. */
export class TooManyWaiting extends Error {
  constructor(name: string) {
    super(`too much is asked for by ${name} already`);
  }
}

/** Lets so many work at a time. Whoever waits is served in turn with the others, however much one of them brings. */
export type FairSlots = {
  /** Does the work when it is its turn. Throws `TooManyWaiting` when others of the same name fill the line. */
  run: <Result>(name: string, work: () => Promise<Result>) => Promise<Result>;
};

type Lane = { active: number; waiting: (() => void)[] };

/**
 * @param total how many may work at a time
 * @param perName how many of them under one name
 * @param maxWaiting how many may wait under one name
 */
export function createFairSlots({ total, perName, maxWaiting }: { total: number; perName: number; maxWaiting: number }): FairSlots {
  /** Of everybody who works or waits, who was served the longest ago first. */
  const lanes = new Map<string, Lane>();
  let free = total;

  function serveNext(): void {
    for (const [name, lane] of lanes) {
      if (free === 0) return;
      if (lane.active >= perName) continue;
      const next = lane.waiting.shift();
      if (next === undefined) continue;
      free -= 1;
      lane.active += 1;
      lanes.delete(name);
      lanes.set(name, lane);
      next();
      return;
    }
  }

  function leave(name: string, lane: Lane): void {
    free += 1;
    lane.active -= 1;
    if (lane.active === 0 && lane.waiting.length === 0) lanes.delete(name);
    serveNext();
  }

  return {
    run: async (name, work) => {
      const lane = lanes.get(name) ?? { active: 0, waiting: [] };
      if (free > 0 && lane.active < perName) {
        free -= 1;
        lane.active += 1;
        lanes.delete(name);
        lanes.set(name, lane);
      } else {
        if (lane.waiting.length >= maxWaiting) throw new TooManyWaiting(name);
        lanes.set(name, lane);
        await new Promise<void>((resolve) => lane.waiting.push(resolve));
      }
      try {
        return await work();
      } finally {
        leave(name, lane);
      }
    },
  };
}
