/** Lets so many work at a time; the others wait in line. */
export type Slots = {
  run: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** How many wait in line. */
  waiting: () => number;
};

export function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    waiting: () => waiting.length,
    run: async (work) => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
