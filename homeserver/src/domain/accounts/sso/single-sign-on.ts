import { createHash } from 'node:crypto';
import { mapLocalpart } from 'federation-spec/identifiers/map-localpart.ts';
import type { Clock } from '../../../platform/clock.ts';
import { forbidden, MatrixError, notFound } from '../../../platform/matrix-error.ts';
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
import {
  deleteUpstreamIdentity,
  findUpstreamOwner,
  insertUpstreamIdentity,
  listUpstreamIdentities,
} from '../../../storage/upstream-identities.ts';
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
  | { kind: 'newcomer'; ticket: string; suggestion: string; providerName: string };

export type SignInProvider = Pick<OidcProvider, 'id' | 'name' | 'brand' | 'icon'>;
/** Which provider, and whether somebody wants a new account there. */
export type SignInWish = { providerId: string; wantsAccount?: boolean | undefined };
/** An identity of an account, and what its provider is called, if it is still one of ours. */
export type LinkedIdentity = { issuer: string; subject: string; providerName: string | undefined };

/** Signing in by the operator's providers. https://spec.matrix.org/latest/client-server-api/#client-login-via-sso */
export type SingleSignOn = {
  providers: readonly SignInProvider[];
  /** Where to send the browser, which its cookie stands for. @throws M_NOT_FOUND for a provider that is not there */
  begin(goal: SsoGoal, cookie: string, wish: SignInWish): Promise<string>;
  /** The same for a session that asks for proof, by the provider that its person has an identity at. */
  beginProof(sessionId: string, cookie: string): Promise<string>;
  /**
   * The browser has come back.
   *
   * @throws UpstreamRefusal when this browser did not begin it, too much time went by, or the provider proves nothing; MatrixError for
   * an account that is locked or deactivated
   */
  arrive(answer: { state: string; code: string }, cookie: string): Promise<SsoArrival>;
  /** A newcomer has chosen a name. Throws like `arrive`, and MatrixError for a name that cannot be. */
  chooseName(ticket: string, username: string, cookie: string): Promise<Extract<SsoArrival, { kind: 'account' }>>;
  /** Ties the identity of a newcomer to an account that they have already, and have proven. Throws like `arrive`. */
  link(ticket: string, account: AccountRow, cookie: string): Promise<Extract<SsoArrival, { kind: 'account' }>>;
  listIdentities(userNid: number): Promise<LinkedIdentity[]>;
  /** @throws M_FORBIDDEN for the only way that somebody has to sign in */
  unlink(account: AccountRow, identity: { issuer: string; subject: string }): Promise<void>;
  /** Passes the stage of a session for its own person. False for a session of somebody else, or of nobody. */
  prove(sessionId: string, userNid: number): Promise<boolean>;
};

const STATE_BITS = 256;
const ATTEMPT_LIFETIME_MS = 600_000;

type Deps = { pool: Pool; providers: readonly OidcProvider[]; register: Register; serverName: string; clock: Clock; random: Random };

export function createSingleSignOn({ pool, providers, register, serverName, clock, random }: Deps): SingleSignOn {
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

  async function begin({ purpose, target }: SsoGoal, cookie: string, { providerId, wantsAccount }: SignInWish): Promise<string> {
    const provider = providers.find(({ id }) => id === providerId);
    if (provider === undefined) throw notFound(`There is no sign-in provider ${providerId.slice(0, 255)}`);
    const [nonce, codeVerifier] = [random.text(STATE_BITS), random.text(STATE_BITS)];
    const state = await store({
      browserHash: hashToken(cookie),
      provider: provider.id,
      nonce,
      codeVerifier,
      purpose,
      target,
      identity: null,
    });
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
    return await provider.authorizeUrl({ state, nonce, codeChallenge, wantsAccount });
  }

  const providerOf = (issuer: string) => providers.find((provider) => provider.issuer === issuer.replace(/\/+$/, ''));

  async function tie({ issuer, subject }: UpstreamIdentity, { userNid }: AccountRow): Promise<void> {
    const isNew = await insertUpstreamIdentity(pool, { issuer, subject, userNid, createdAt: clock.now() });
    if (!isNew && (await findUpstreamOwner(pool, issuer, subject)) !== userNid)
      throw new UpstreamRefusal('This identity belongs to another account here.');
  }

  /** Somebody who is signed in here, and was asked for the password, wants to sign in by this identity too. */
  async function tieToTarget(identity: UpstreamIdentity, attempt: SsoAttemptRow): Promise<SsoArrival> {
    const account = await findAccountByNid(pool, Number(attempt.target));
    if (account === undefined) throw new UpstreamRefusal('The account is no more.');
    refuseByStatus(account);
    await tie(identity, account);
    return { kind: 'account', account, goal: attempt };
  }

  return {
    providers: providers.map(({ id, name, brand, icon }) => ({
      id,
      name,
      ...(brand === undefined ? {} : { brand }),
      ...(icon === undefined ? {} : { icon }),
    })),
    begin,
    async beginProof(sessionId, cookie) {
      const session = await findUiaSession(pool, sessionId, clock.now());
      const identities = session?.userNid == null ? [] : await listUpstreamIdentities(pool, session.userNid);
      const provider = identities.map(({ issuer }) => providerOf(issuer)).find((each) => each !== undefined);
      if (provider === undefined) throw new UpstreamRefusal('This session is unknown or has expired. Start again where you came from.');
      return await begin({ purpose: 'proof', target: sessionId }, cookie, { providerId: provider.id });
    },
    async arrive({ state, code }, cookie) {
      const attempt = await take(state, cookie);
      const provider = providers.find(({ id }) => id === attempt.provider);
      if (provider === undefined) throw new UpstreamRefusal('This sign-in provider is no longer offered.');
      const identity = await provider.identify({ code, codeVerifier: attempt.codeVerifier, nonce: attempt.nonce });
      if (attempt.purpose === 'link') return await tieToTarget(identity, attempt);
      const owner = await findOwner(identity);
      if (owner !== undefined) return { kind: 'account', account: owner, goal: attempt };
      if (attempt.purpose === 'proof') throw new UpstreamRefusal('Nobody here signs in with this identity.');
      const ticket = await store({ ...attempt, identity: JSON.stringify(identity) });
      return { kind: 'newcomer', ticket, suggestion: suggestName(identity), providerName: provider.name };
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
    async link(ticket, account, cookie) {
      const attempt = await take(ticket, cookie);
      if (attempt.identity === null) throw new UpstreamRefusal('Sign in first.');
      refuseByStatus(account);
      await tie(JSON.parse(attempt.identity) as UpstreamIdentity, account); // written above
      return { kind: 'account', account, goal: attempt };
    },
    async listIdentities(userNid) {
      const identities = await listUpstreamIdentities(pool, userNid);
      return identities.map(({ issuer, subject }) => ({ issuer, subject, providerName: providerOf(issuer)?.name }));
    },
    async unlink({ userNid, passwordHash }, { issuer, subject }) {
      const others = (await listUpstreamIdentities(pool, userNid)).filter((each) => each.issuer !== issuer || each.subject !== subject);
      if (passwordHash === null && !others.some((other) => providerOf(other.issuer) !== undefined))
        throw forbidden('This is the only way you have to sign in.');
      if (!(await deleteUpstreamIdentity(pool, { issuer, subject, userNid }))) throw notFound('Your account has no such identity.');
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
