import { setTimeout as delay } from 'node:timers/promises';
import { createFairSlots, TooManyWaiting } from '../../platform/fair-slots.ts';
import { limitExceeded } from '../../platform/matrix-error.ts';

/** A smaller body is read at once. */
const LARGE_BYTES = 128 * 1024;
/** Large bodies of one caller that wait to be read; more are to come again. */
const MAX_WAITING = 8;
const RETRY_AFTER_MS = 2_000;
/** A body that took longer is a fault; everybody else's are not to wait for it. */
const MAX_REST_MS = 1_000;

/** Has `read` done, which parses a body of so many bytes that a caller has sent; `read` must not wait for the network. */
export type TakeBodyTurn = <Result>(caller: string, bytes: number, read: () => Promise<Result>) => Promise<Result>;

/**
 * Reading a large body keeps the main loop busy for a while. They are read one after the other, everybody's in turn, and after each the loop
 * has as much time for others: whoever sends many is slowed down, and keeps nobody else from being answered.
 */
export function createBodyTurns(): TakeBodyTurn {
  const slots = createFairSlots({ total: 1, perName: 1, maxWaiting: MAX_WAITING });
  return async <Result>(caller: string, bytes: number, read: () => Promise<Result>) => {
    if (bytes <= LARGE_BYTES) return await read();
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    slots
      .run(caller, async () => {
        const startedAt = performance.now();
        await read().then(resolve, reject);
        await delay(Math.min(MAX_REST_MS, performance.now() - startedAt));
      })
      .catch((error: unknown) => reject(error instanceof TooManyWaiting ? limitExceeded(RETRY_AFTER_MS) : error));
    return await promise;
  };
}
