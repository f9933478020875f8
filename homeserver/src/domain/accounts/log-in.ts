import type { Clock } from '../../platform/clock.ts';
import { forbidden, missingParam, unknown } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import { type AccountRow, findAccount, findAccountByNid } from '../../storage/accounts.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { findDevice } from '../../storage/devices.ts';
import { deleteExpiredLoginTokens, insertLoginToken, takeLoginToken } from '../../storage/login-tokens.ts';
import { findThreepidOwner } from '../../storage/threepids.ts';
import { refuseByStatus } from './authenticate.ts';
import { hashToken } from './hash-token.ts';
import type { KnownTokens } from './known-tokens.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { isPlausiblePassword } from './passwords.ts';
import type { AnnounceDevice } from './remove-devices.ts';
import type { Session, SessionOptions, StartSession } from './start-session.ts';
import type { Throttle } from './throttle.ts';
import { userIdMeantBy } from './user-names.ts';

/** How somebody says who they are: by user name or user id, by an e-mail address, or by a phone number, which nobody here has. */
export type Identifier = { kind: 'user'; user: string } | { kind: 'email' | 'msisdn'; address: string };

export type LogIn = {
  /**
   * https://spec.matrix.org/latest/client-server-api/#password-based
   *
   * @throws M_FORBIDDEN alike for a wrong password and for an account that is not there, M_USER_LOCKED, M_LIMIT_EXCEEDED
   */
  byPassword(identifier: Identifier, password: string, options: SessionOptions): Promise<Session>;
  /** Whose password it is; logs nobody in. Throws like `byPassword`. */
  verify(identifier: Identifier, password: string): Promise<AccountRow>;
  /** https://spec.matrix.org/latest/client-server-api/#token-based */
  byLoginToken(token: string, options: SessionOptions): Promise<Session>;
  /**
   * Logs in an account whose owner was proven otherwise; `alongside` is written in the same transaction.
   *
   * @throws M_USER_DEACTIVATED, M_USER_LOCKED
   */
  withoutProof(account: AccountRow, options: SessionOptions, alongside?: (sql: Sql) => Promise<void>): Promise<Session>;
  /** Makes a token with which another client can log in, once and soon. */
  createLoginToken(userNid: number): Promise<{ loginToken: string; expiresInMs: number }>;
};

const LOGIN_TOKEN_BITS = 256;
const LOGIN_TOKEN_LIFETIME_MS = 120_000;

type Deps = {
  pool: Pool;
  passwordHasher: PasswordHasher;
  startSession: StartSession;
  announceDevice: AnnounceDevice;
  knownTokens: KnownTokens;
  throttle: Throttle;
  serverName: string;
  clock: Clock;
  random: Random;
};

export function createLogIn(deps: Deps): LogIn {
  const { pool, passwordHasher, startSession, announceDevice, knownTokens, throttle, serverName, clock, random } = deps;

  async function findMeant(identifier: Identifier): Promise<AccountRow | undefined> {
    if (identifier.kind !== 'user') {
      const ownerNid = await findThreepidOwner(pool, identifier.kind, identifier.address.trim().toLowerCase());
      return ownerNid === undefined ? undefined : await findAccountByNid(pool, ownerNid);
    }
    const userId = userIdMeantBy(identifier.user, serverName);
    if (userId === undefined) return undefined;
    return (await findAccount(pool, userId)) ?? (await findAccount(pool, userId.toLowerCase()));
  }

  async function start(account: AccountRow, options: SessionOptions, alongside?: (sql: Sql) => Promise<void>): Promise<Session> {
    refuseByStatus(account);
    const { deviceId } = options;
    const isNew = deviceId === undefined || (await findDevice(pool, account.userNid, deviceId)) === undefined;
    const session = await pool.begin(async (sql) => {
      const started = await startSession(sql, account, options);
      await alongside?.(sql);
      return started;
    });
    if (deviceId !== undefined) knownTokens.forgetUser(account.userNid, deviceId);
    if (isNew) await announceDevice(account);
    return session;
  }

  async function verify(identifier: Identifier, password: string): Promise<AccountRow> {
    const key = (identifier.kind === 'user' ? (userIdMeantBy(identifier.user, serverName) ?? '') : identifier.address).toLowerCase();
    throttle.check(key);
    const account = await findMeant(identifier);
    const hash = isPlausiblePassword(password) ? (account?.passwordHash ?? undefined) : undefined;
    const matches = await passwordHasher.compare(password, hash);
    if (account === undefined || !matches) {
      throttle.fail(key);
      throw forbidden('Wrong user name or password');
    }
    return account;
  }

  return {
    async byPassword(identifier, password, options) {
      return await start(await verify(identifier, password), options);
    },
    async verify(identifier, password) {
      const account = await verify(identifier, password);
      refuseByStatus(account);
      return account;
    },
    async byLoginToken(token, options) {
      if (token === '') throw missingParam('The token is missing');
      const userNid = await takeLoginToken(pool, hashToken(token), clock.now());
      const account = userNid === undefined ? undefined : await findAccountByNid(pool, userNid);
      if (account === undefined) throw forbidden('The login token is unknown, used or expired');
      return await start(account, options);
    },
    withoutProof: start,
    async createLoginToken(userNid) {
      const now = clock.now();
      await deleteExpiredLoginTokens(pool, now);
      const loginToken = `bcl_${random.text(LOGIN_TOKEN_BITS)}`;
      await insertLoginToken(pool, { tokenHash: hashToken(loginToken), userNid, expiresAt: now + LOGIN_TOKEN_LIFETIME_MS });
      return { loginToken, expiresInMs: LOGIN_TOKEN_LIFETIME_MS };
    },
  };
}

/**
 * Who a log-in request means, by its `identifier` or by the older keys beside it.
 * https://spec.matrix.org/latest/client-server-api/#identifier-types
 *
 * @throws M_MISSING_PARAM, M_UNKNOWN for a kind of identifier we do not know
 */
export function readIdentifier(given: {
  identifier?: { type: string; user?: string; medium?: string; address?: string; phone?: string; number?: string } | undefined;
  user?: string | undefined;
  medium?: string | undefined;
  address?: string | undefined;
}): Identifier {
  const type = given.identifier?.type ?? (given.address === undefined ? 'm.id.user' : 'm.id.thirdparty');
  const { user, medium, address } = given.identifier ?? given;
  if (type === 'm.id.user') {
    if (user === undefined) throw missingParam('The identifier names no user');
    return { kind: 'user', user };
  }
  if (type === 'm.id.phone') {
    const phone = given.identifier?.phone ?? given.identifier?.number;
    if (phone === undefined) throw missingParam('The identifier has no phone number');
    return { kind: 'msisdn', address: phone.replace(/\D/g, '') };
  }
  if (type !== 'm.id.thirdparty') throw unknown(`Unknown kind of identifier ${type.slice(0, 100)}`);
  if (medium === undefined || address === undefined) throw missingParam('The identifier needs a medium and an address');
  return { kind: medium === 'msisdn' ? 'msisdn' : 'email', address };
}
