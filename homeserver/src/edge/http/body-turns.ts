import { TooManyWaiting } from '../../platform/fair-slots.ts';
import { createLoopTurns, type TakeLoopTurn } from '../../platform/loop-turns.ts';
import { limitExceeded } from '../../platform/matrix-error.ts';

/** Large bodies of one caller that wait to be read; more are to come again. */
const MAX_WAITING = 8;
const RETRY_AFTER_MS = 2_000;

/** Turns for the bodies that callers send. Throws M_LIMIT_EXCEEDED when one has too many waiting. */
export function createBodyTurns(): TakeLoopTurn {
  const takeTurn = createLoopTurns({ maxWaiting: MAX_WAITING });
  return async (caller, bytes, read) => {
    try {
      return await takeTurn(caller, bytes, read);
    } catch (error) {
      throw error instanceof TooManyWaiting ? limitExceeded(RETRY_AFTER_MS) : error;
    }
  };
}
