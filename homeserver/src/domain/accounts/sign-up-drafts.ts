import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { MatrixError } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';

/** How much is remembered of registrations that were begun, and for how long. */
const MAX_BYTES = 4_000_000;
const MAX_DRAFT_BYTES = 4_000;
const LIFETIME_MS = 900_000;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * What a client said when it began to register: older ones say it once, and with the proof send the session only. There is a password in
 * it, so it is kept in memory alone, encrypted with the session's id and under another name than that: it can be read while the client
 * that began shows the id, and at no other time. After a restart a client is asked for what is missing.
 */
export type SignUpDrafts<Wish extends object> = {
  /** The wish with what was left out of it this time. */
  complete(sessionId: string | undefined, wish: Wish): Wish;
  /** Does what asks for proof, and keeps the wish for the session that it begins. */
  keeping<Result>(wish: Wish, ask: () => Promise<Result>): Promise<Result>;
};

export function createSignUpDrafts<Wish extends object>({ random }: { random: Pick<Random, 'bytes'> }): SignUpDrafts<Wish> {
  const begun = new LRUCache<string, Buffer>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_DRAFT_BYTES,
    sizeCalculation: (sealed) => sealed.length,
    ttl: LIFETIME_MS,
  });

  function keep(sessionId: string, wish: Wish): void {
    const nonce = random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, derive(sessionId, 'key'), nonce);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(wish), 'utf8'), cipher.final()]);
    begun.set(nameOf(sessionId), Buffer.concat([nonce, cipher.getAuthTag(), sealed]));
  }

  function find(sessionId: string): Partial<Wish> {
    const kept = begun.get(nameOf(sessionId));
    if (kept === undefined) return {};
    const decipher = createDecipheriv(CIPHER, derive(sessionId, 'key'), kept.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(kept.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const opened = Buffer.concat([decipher.update(kept.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    return JSON.parse(opened.toString('utf8')) as Partial<Wish>; // written by `keep`
  }

  return {
    complete(sessionId, wish) {
      const given = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
      return { ...(sessionId === undefined ? undefined : find(sessionId)), ...given } as Wish; // what is left out may be undefined
    },
    async keeping(wish, ask) {
      try {
        return await ask();
      } catch (error) {
        const session = error instanceof MatrixError ? error.fields['session'] : undefined;
        if (typeof session === 'string') keep(session, wish);
        throw error;
      }
    },
  };
}

const nameOf = (sessionId: string): string => derive(sessionId, 'name').toString('base64');

function derive(sessionId: string, purpose: 'key' | 'name'): Buffer {
  return Buffer.from(hkdfSync('sha256', sessionId, '', `sign-up draft ${purpose}`, KEY_BYTES));
}
