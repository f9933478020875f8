/** Most turns that may wait for one room. */
const MAX_WAITING_TURNS = 10_000;

/** A queue in which each turn begins when the one before it has ended, whether well or badly. `waiting`: how many there are, with the one under way. */
export type Turns = { take: <Result>(turn: () => Promise<Result>) => Promise<Result>; isIdle: () => boolean; waiting: () => number };

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    take: async (turn) => {
      if (waiting >= MAX_WAITING_TURNS) throw new Error(`more than ${MAX_WAITING_TURNS} turns wait for one room`);
      waiting += 1;
      const mine = last.then(turn);
      last = mine.then(
        () => undefined,
        () => undefined,
      );
      try {
        return await mine;
      } finally {
        waiting -= 1;
      }
    },
    isIdle: () => waiting === 0,
    waiting: () => waiting,
  };
}
