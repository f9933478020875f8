import { createHash } from 'node:crypto';
import { mapLocalpart } from 'federation-spec/identifiers/map-localpart.ts';
import type { Clock } from '../../../platform/clock.ts';
import { MatrixError } from '../../../platform/matrix-error.ts';
import type { Random } from '../../../platform/random.ts';
import { type AccountRow, findAccountByNid } from '../../../storage/accounts.ts';
import type { Pool } from '../../../storage/database.ts';
import {
  deleteExpiredSsoAttempts,
  insertSsoAttempt,
  type SsoAttemptRow,
  type SsoPurpose,
  takeSsoAttempt,
} from '../../../storage/sso-attempts.ts';
import { completeUiaStage, findUiaSession } from '../../../storage/uia-sessions.ts';
import { findUpstreamOwner, insertUpstreamIdentity } from '../../../storage/upstream-identities.ts';
import { refuseByStatus } from '../authenticate.ts';
import { hashToken, isSameDigest } from '../hash-token.ts';
import type { Register } from '../register.ts';
import { userIdForName } from '../user-names.ts';
import { type OidcProvider, type UpstreamIdentity, UpstreamRefusal } from './oidc-provider.ts';
import { SSO_STAGE } from './sso-proof.ts';

/** What comes after signing in: a client's address, a page of ours, a session that asked for proof. */
export type SsoGoal = { purpose: SsoPurpose; target: string };
export type SsoArrival =
  | { kind: 'account'; account: AccountRow; goal: SsoGoal }
  /** Nobody here yet: a name is to be chosen, and sent back with the ticket. */
  | { kind: 'newcomer'; ticket: string; suggestion: string };

/** Signing in by the operator's provider. https://spec.matrix.org/latest/client-server-api/#client-login-via-sso */
export type SingleSignOn = {
  name: string;
  /** Where to send the browser, which its cookie stands for. */
  begin(goal: SsoGoal, cookie: string): Promise<string>;
  /**
   * The browser has come back.
   *
   * @throws UpstreamRefusal when this browser did not begin it, too much time went by, or the provider proves nothing; MatrixError for
   * an account that is locked or deactivated
   */
  arrive(answer: { state: string; code: string }, cookie: string): Promise<SsoArrival>;
  /** A newcomer has chosen a name. Throws like `arrive`, and MatrixError for a name that cannot be. */
  chooseName(ticket: string, username: string, cookie: string): Promise<Extract<SsoArrival, { kind: 'account' }>>;
  /** Passes the stage of a session for its own person. False for a session of somebody else, or of nobody. */
  prove(sessionId: string, userNid: number): Promise<boolean>;
};

/** The one provider's id, as clients are told it. */
export const SSO_PROVIDER_ID = 'oidc';
const STATE_BITS = 256;
const ATTEMPT_LIFETIME_MS = 600_000;

type Deps = { pool: Pool; provider: OidcProvider; register: Register; serverName: string; clock: Clock; random: Random };

export function createSingleSignOn({ pool, provider, register, serverName, clock, random }: Deps): SingleSignOn {
  async function store(attempt: Omit<SsoAttemptRow, 'expiresAt'>): Promise<string> {
    const now = clock.now();
    await deleteExpiredSsoAttempts(pool, now);
    const state = random.text(STATE_BITS);
    await insertSsoAttempt(pool, { ...attempt, stateHash: hashToken(state), expiresAt: now + ATTEMPT_LIFETIME_MS });
    return state;
  }

  async function take(state: string, cookie: string): Promise<SsoAttemptRow> {
    const attempt = await takeSsoAttempt(pool, hashToken(state));
    const isTheirs = attempt !== undefined && isSameDigest(attempt.browserHash, hashToken(cookie));
    if (attempt === undefined || !isTheirs || attempt.expiresAt <= clock.now()) {
      throw new UpstreamRefusal('This sign-in was begun elsewhere, or too long ago. Start again where you came from.');
    }
    return attempt;
  }

  async function create({ issuer, subject, displayName }: UpstreamIdentity, username: string): Promise<void> {
    await register.checkFree(username);
    await register.createAccount(
      { userId: userIdForName(username, serverName), passwordHash: undefined, displayName, session: undefined },
      async (sql, userNid) => {
        const isNew = await insertUpstreamIdentity(sql, { issuer, subject, userNid, createdAt: clock.now() });
        if (!isNew) throw new UpstreamRefusal('This identity has an account already. Start again where you came from.');
      },
    );
  }

  async function findOwner({ issuer, subject }: UpstreamIdentity): Promise<AccountRow | undefined> {
    const userNid = await findUpstreamOwner(pool, issuer, subject);
    const account = userNid === undefined ? undefined : await findAccountByNid(pool, userNid);
    if (account !== undefined) refuseByStatus(account);
    return account;
  }

  return {
    name: provider.name,
    async begin({ purpose, target }, cookie) {
      const [nonce, codeVerifier] = [random.text(STATE_BITS), random.text(STATE_BITS)];
      const state = await store({ browserHash: hashToken(cookie), nonce, codeVerifier, purpose, target, identity: null });
      const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
      return await provider.authorizeUrl({ state, nonce, codeChallenge });
    },
    async arrive({ state, code }, cookie) {
      const attempt = await take(state, cookie);
      const identity = await provider.identify({ code, codeVerifier: attempt.codeVerifier, nonce: attempt.nonce });
      const owner = await findOwner(identity);
      if (owner !== undefined) return { kind: 'account', account: owner, goal: attempt };
      if (attempt.purpose === 'proof') throw new UpstreamRefusal('Nobody here signs in with this identity.');
      const ticket = await store({ ...attempt, identity: JSON.stringify(identity) });
      return { kind: 'newcomer', ticket, suggestion: suggestName(identity) };
    },
    async chooseName(ticket, username, cookie) {
      const attempt = await take(ticket, cookie);
      if (attempt.identity === null) throw new UpstreamRefusal('Sign in first.');
      const identity = JSON.parse(attempt.identity) as UpstreamIdentity; // written above
      try {
        await create(identity, username);
      } catch (error) {
        if (error instanceof MatrixError) throw new NameRefusal(error.message, await store(attempt));
        throw error;
      }
      const account = await findOwner(identity);
      if (account === undefined) throw new Error(`the account of ${identity.subject} was made and is not there`);
      return { kind: 'account', account, goal: attempt };
    },
    async prove(sessionId, userNid) {
      const session = await findUiaSession(pool, sessionId, clock.now());
      if (session === undefined || session.userNid !== userNid) return false;
      await completeUiaStage(pool, sessionId, SSO_STAGE, {});
      return true;
    },
  };
}

/** The name that was chosen cannot be; another may be sent with the new ticket. */
export class NameRefusal extends Error {
  override readonly name = 'NameRefusal';
  readonly ticket: string;

  constructor(message: string, ticket: string) {
    super(message);
    this.ticket = ticket;
  }
}

/** A user name made of what the provider calls somebody. */
function suggestName({ userName = '' }: UpstreamIdentity): string {
  return mapLocalpart(userName.split('@')[0] ?? '').replace(/^_+/, '');
}
