import type { Clock } from '../../platform/clock.ts';
import { findAccountByNid } from '../../storage/accounts.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import {
  deleteExpiredFinishedRegistrations,
  findFinishedRegistration,
  insertFinishedRegistration,
} from '../../storage/finished-registrations.ts';
import { hashBody } from './hash-body.ts';
import { isSameDigest } from './hash-token.ts';
import type { Session, SessionOptions, StartSession } from './start-session.ts';

/** Answers a sign-up again whose answer was lost: the session, and everything that was asked with it, must be the same. */
export type RepeatRegistration = {
  /** Notes what a session made, in the transaction that makes it. */
  note(sql: Sql, made: { sessionId: string; body: object; userNid: number; deviceId: string | undefined }): Promise<void>;
  /** What the session has made, logged in anew under the same device; undefined when it has made nothing. */
  find(sessionId: string, body: object, session: SessionOptions): Promise<({ userId: string } & Partial<Session>) | undefined>;
};

const LIFETIME_MS = 900_000;
const MAX_SESSION_ID_CHARACTERS = 255;

type Deps = { pool: Pool; startSession: StartSession; clock: Clock };

export function createRepeatRegistration({ pool, startSession, clock }: Deps): RepeatRegistration {
  return {
    async note(sql, { sessionId, body, userNid, deviceId }) {
      const now = clock.now();
      await deleteExpiredFinishedRegistrations(sql, now);
      await insertFinishedRegistration(sql, { sessionId, bodyHash: hashBody(body), userNid, deviceId, expiresAt: now + LIFETIME_MS });
    },
    async find(sessionId, body, session) {
      const finished =
        sessionId.length > MAX_SESSION_ID_CHARACTERS ? undefined : await findFinishedRegistration(pool, sessionId, clock.now());
      if (finished === undefined || !isSameDigest(finished.bodyHash, hashBody(body))) return undefined;
      const { userNid, deviceId } = finished;
      const account = await findAccountByNid(pool, userNid);
      if (account === undefined || account.status !== 'active') return undefined;
      const { userId } = account;
      return deviceId === null ? { userId } : await pool.begin((sql) => startSession(sql, { userNid, userId }, { ...session, deviceId }));
    },
  };
}
