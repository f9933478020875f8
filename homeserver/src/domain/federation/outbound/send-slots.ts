import { createSlots } from '../../../platform/slots.ts';

/** How many transactions to servers that answer are under way at a time. */
const STEADY_SLOTS = 64;
/** How many servers that failed are tried at a time: they take nobody else's turn. */
const FAILING_SLOTS = 16;
/** How many more of them are woken to wait in line. */
const MAX_FAILING_IN_LINE = 16;
/** From then on a transaction counts as slow, and no longer takes up the place of one that may be quick. */
const SLOW_AFTER_MS = 1_000;
/** How many slow transactions may be under way beside the others. */
const MAX_SLOW = 512;

export type SendClass = 'steady' | 'failing';

/** Gives each server its turn, so that those which are slow or dead hold up nobody but themselves. */
export type SendSlots = {
  run: <Result>(kind: SendClass, work: () => Promise<Result>) => Promise<Result>;
  /** Whether enough servers that failed wait to be tried. */
  areFailingFull: () => boolean;
  /** How many transactions take long just now. */
  slow: () => number;
};

export function createSendSlots(): SendSlots {
  const steady = createSlots(STEADY_SLOTS);
  const failing = createSlots(FAILING_SLOTS);
  let slow = 0;

  /** Resolves when the work is done, or has become slow and there is room for it among the slow. */
  async function untilQuickOrSlow(work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = () => resolve();
    const timer = setTimeout(() => {
      if (slow >= MAX_SLOW) return;
      slow += 1;
      const done = () => {
        slow -= 1;
      };
      work.then(done, done);
      resolve();
    }, SLOW_AFTER_MS);
    work.then(ended, ended);
    await promise;
    clearTimeout(timer);
  }

  return {
    areFailingFull: () => failing.waiting() >= MAX_FAILING_IN_LINE,
    slow: () => slow,
    run: async (kind, work) => {
      if (kind === 'failing') return await failing.run(work);
      return await new Promise((resolve, reject) => {
        const turn = steady.run(async () => {
          const running = work();
          running.then(resolve, reject);
          await untilQuickOrSlow(running);
        });
        turn.catch(reject);
      });
    },
  };
}
