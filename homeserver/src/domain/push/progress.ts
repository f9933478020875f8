/** How long a reader waits for the follower. After that a count may be late; the device is woken again when it changes. */
const MAX_WAIT_MS = 1_000;

/** How far the follower has come, and waiting for it. */
export type Progress = {
  reached: (position: number) => void;
  /** There are events up to this position. */
  expect: (position: number) => void;
  /** Resolves when all events so far are followed, with true; with false when that takes too long. */
  caughtUp: () => Promise<boolean>;
};

export function createProgress(position: () => number): Progress {
  let followed = 0;
  let expected = position();
  const waiters = new Set<{ position: number; resolve: () => void }>();

  return {
    reached: (to) => {
      followed = Math.max(followed, to);
      for (const waiter of waiters) if (waiter.position <= followed) waiter.resolve();
    },
    expect: (to) => {
      expected = to;
    },
    caughtUp: async () => {
      if (followed >= expected) return true;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { position: expected, resolve };
      const timer = setTimeout(resolve, MAX_WAIT_MS);
      waiters.add(waiter);
      await promise;
      clearTimeout(timer);
      waiters.delete(waiter);
      return followed >= waiter.position;
    },
  };
}
