import { createHmac } from 'node:crypto';
import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import { type AccountRow, findAccountByNid } from '../../../storage/accounts.ts';
import {
  deleteBrowserSession,
  deleteExpiredBrowserSessions,
  findBrowserSession,
  insertBrowserSession,
} from '../../../storage/browser-sessions.ts';
import type { Pool } from '../../../storage/database.ts';
import { hashToken, isSameDigest } from '../hash-token.ts';

/** Who is signed in to our own pages, by the cookie of a browser. A cookie is worth nothing to the API. */
export type BrowserSessions = {
  /** A cookie for a browser that has none yet: it only carries the proof that our forms are answered by who was shown them. */
  newCookie(): string;
  /** A new cookie for somebody who has just proven who they are. */
  signIn(userNid: number): Promise<string>;
  find(cookie: string): Promise<SignedIn | undefined>;
  signOut(cookie: string): Promise<void>;
  /** What a form must send back: whoever has no access to the cookie cannot know it. */
  formToken(cookie: string): string;
  isFormToken(cookie: string, token: string): boolean;
};

export type SignedIn = {
  account: AccountRow;
  /** Whether that was a moment ago, so that nobody else sits there now. */
  isRecent: boolean;
};

const COOKIE_BITS = 256;
const MAX_COOKIE_CHARACTERS = 64;
const LIFETIME_MS = 12 * 3_600_000;
const RECENT_MS = 300_000;

type Deps = { pool: Pool; clock: Clock; random: Random; pepper: Uint8Array };

export function createBrowserSessions({ pool, clock, random, pepper }: Deps): BrowserSessions {
  const formDigest = (cookie: string) => createHmac('sha256', pepper).update(`form\n${cookie}`).digest();

  return {
    newCookie: () => random.text(COOKIE_BITS),
    async signIn(userNid) {
      const now = clock.now();
      await deleteExpiredBrowserSessions(pool, now);
      const cookie = random.text(COOKIE_BITS);
      await insertBrowserSession(pool, { tokenHash: hashToken(cookie), userNid, createdAt: now, expiresAt: now + LIFETIME_MS });
      return cookie;
    },
    async find(cookie) {
      if (cookie.length > MAX_COOKIE_CHARACTERS) return undefined;
      const session = await findBrowserSession(pool, hashToken(cookie), clock.now());
      const account = session === undefined ? undefined : await findAccountByNid(pool, session.userNid);
      if (session === undefined || account === undefined) return undefined;
      if (account.status === 'deactivated' || account.status === 'locked') return undefined;
      return { account, isRecent: clock.now() - session.createdAt < RECENT_MS };
    },
    signOut: (cookie) => deleteBrowserSession(pool, hashToken(cookie)),
    formToken: (cookie) => formDigest(cookie).toString('base64url'),
    isFormToken: (cookie, token) => isSameDigest(formDigest(cookie), Buffer.from(token, 'base64url')),
  };
}
