import { setTimeout as delay } from 'node:timers/promises';
import { createFairSlots } from './fair-slots.ts';

/** What takes less is done at once. */
const LARGE_BYTES = 128 * 1024;
/** Work that took longer is a fault; everybody else's is not to wait for it. */
const MAX_REST_MS = 1_000;

/**
 * Has `work` done, which handles so many bytes for somebody and must not wait for the network. Throws `TooManyWaiting` when there is too much
 * to be done for the same one.
 */
export type TakeLoopTurn = <Result>(name: string, bytes: number, work: () => Promise<Result>) => Promise<Result>;

/**
 * Reading a large body keeps the main loop busy for a while. Such work is done one after the other, everybody's in turn, and after each the
 * loop has as much time for others: whoever brings much is slowed down, and keeps nobody else from being answered.
 */
export function createLoopTurns({ maxWaiting }: { maxWaiting: number }): TakeLoopTurn {
  const slots = createFairSlots({ total: 1, perName: 1, maxWaiting });
  return async <Result>(name: string, bytes: number, work: () => Promise<Result>) => {
    if (bytes <= LARGE_BYTES) return await work();
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    slots
      .run(name, async () => {
        const startedAt = performance.now();
        await work().then(resolve, reject);
        await delay(Math.min(MAX_REST_MS, performance.now() - startedAt));
      })
      .catch(reject);
    return await promise;
  };
}
