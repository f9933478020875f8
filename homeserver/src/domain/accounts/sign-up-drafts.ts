import { LRUCache } from 'lru-cache';
import { MatrixError } from '../../platform/matrix-error.ts';

/** How much is remembered of registrations that were begun, and for how long. */
const MAX_CHARACTERS = 4_000_000;
const MAX_DRAFT_CHARACTERS = 4_000;
const LIFETIME_MS = 900_000;

/**
 * What a client said when it began to register: older ones say it once, and with the proof send the session only. Kept in memory alone,
 * because a password is in it: after a restart a client is asked for what is missing.
 */
export type SignUpDrafts<Wish extends object> = {
  /** The wish with what was left out of it this time. */
  complete(sessionId: string | undefined, wish: Wish): Wish;
  /** Does what asks for proof, and keeps the wish for the session that it begins. */
  keeping<Result>(wish: Wish, ask: () => Promise<Result>): Promise<Result>;
};

export function createSignUpDrafts<Wish extends object>(): SignUpDrafts<Wish> {
  const begun = new LRUCache<string, Wish>({
    maxSize: MAX_CHARACTERS,
    maxEntrySize: MAX_DRAFT_CHARACTERS,
    sizeCalculation: (wish) => JSON.stringify(wish).length,
    ttl: LIFETIME_MS,
  });

  return {
    complete(sessionId, wish) {
      const given = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
      return { ...(sessionId === undefined ? undefined : begun.get(sessionId)), ...given } as Wish; // what is left out may be undefined
    },
    async keeping(wish, ask) {
      try {
        return await ask();
      } catch (error) {
        const session = error instanceof MatrixError ? error.fields['session'] : undefined;
        if (typeof session === 'string') begun.set(session, wish);
        throw error;
      }
    },
  };
}
