import { createFairSlots, TooManyWaiting } from '../../platform/fair-slots.ts';
import { limitExceeded } from '../../platform/matrix-error.ts';

/**
 * How many such calls of one caller are answered at a time, and how many more wait for that; beyond, they are to come again. Some wait for other
 * servers most of the time: a client that reads back in several rooms of a slow one is not to be kept from reading elsewhere.
 */
const MAX_AT_ONCE = 10;
const MAX_WAITING = 100;
const RETRY_AFTER_MS = 1_000;

/** Calls that ask for much, though each may; none of them is a long poll. */
const HEAVY: ReadonlySet<string> = new Set([
  'claimKeys',
  'createRoom',
  'getEventContext',
  'getPublicRooms',
  'getRoomEvents',
  'getSpaceHierarchy',
  'initialSync',
  'queryKeys',
  'queryPublicRooms',
  'search',
  'searchUserDirectory',
  'sendToDevice',
]);
/** Those that tell everything when they are not told from where on: by the name of that parameter. */
const SINCE: ReadonlyMap<string, string> = new Map([
  ['sync', 'since'],
  ['slidingSync', 'pos'],
  ['finalSlidingSync', 'pos'],
]);

type Query = Readonly<Record<string, unknown>>;
/** Does what answers a call: at once, or for a heavy one when few enough others of the caller are being answered. */
export type TakeHeavyTurn = <Result>(
  call: { operation: string; caller: string; query: Query },
  answer: () => Promise<Result>,
) => Promise<Result>;

/** One caller who asks for a lot at once has it one after the other, so that everybody else is answered in between. */
export function createHeavyTurns(): TakeHeavyTurn {
  const slots = createFairSlots({ total: Number.POSITIVE_INFINITY, perName: MAX_AT_ONCE, maxWaiting: MAX_WAITING });
  return async ({ operation, caller, query }, answer) => {
    if (!isHeavy(operation, query)) return await answer();
    try {
      return await slots.run(caller, answer);
    } catch (error) {
      throw error instanceof TooManyWaiting ? limitExceeded(RETRY_AFTER_MS) : error;
    }
  };
}

function isHeavy(operation: string, query: Query): boolean {
  const since = SINCE.get(operation);
  if (since === undefined) return HEAVY.has(operation);
  return query[since] === undefined || query['full_state'] === 'true' || query['full_state'] === true;
}
