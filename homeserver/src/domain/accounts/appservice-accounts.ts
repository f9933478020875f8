import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import {
  forbidden,
  invalidUsername,
  matrixError,
  missingParam,
  missingToken,
  unknownDevice,
  unknownToken,
  userDeactivated,
} from '../../platform/matrix-error.ts';
import { findAccount } from '../../storage/accounts.ts';
import type { Pool } from '../../storage/database.ts';
import { findDevice } from '../../storage/devices.ts';
import { refuseByStatus } from './authenticate.ts';
import { hashToken } from './hash-token.ts';
import type { KnownTokens } from './known-tokens.ts';
import type { LogIn } from './log-in.ts';
import type { Register, Registered } from './register.ts';
import type { Requester } from './requester.ts';
import type { Session, SessionOptions } from './start-session.ts';
import { userIdMeantBy } from './user-names.ts';

/** An application service, as accounts know it. */
export type AccountOwner = {
  id: string;
  /** What it proved itself with. */
  asToken: string;
  senderId: string;
  rateLimited: boolean;
  /** Whether a user id is in its namespaces, or its own. */
  ownsUser: (userId: string) => boolean;
};

/** Finds the application service whose `as_token` this is. */
export type FindAccountOwner = (accessToken: string) => AccountOwner | undefined;

/** What application services do with the accounts of their users: https://spec.matrix.org/latest/application-service-api/#client-server-api-extensions */
export type AppserviceAccounts = {
  /** @throws M_MISSING_TOKEN, M_UNKNOWN_TOKEN */
  identify(accessToken: string | undefined): AccountOwner;
  /**
   * Whom the service acts as: the user it names, or its sender; as a device when it names one.
   *
   * @throws M_FORBIDDEN for a user that is not its own or not registered, M_USER_DEACTIVATED, M_USER_LOCKED, M_UNKNOWN_DEVICE
   */
  actAs(owner: AccountOwner, asserted: { userId: string | undefined; deviceId: string | undefined }): Promise<Requester>;
  /** @throws M_EXCLUSIVE outside its namespaces, M_USER_IN_USE, M_INVALID_USERNAME */
  register(owner: AccountOwner, request: SessionOptions & { username: string | undefined; inhibitLogin: boolean }): Promise<Registered>;
  /** @throws M_EXCLUSIVE outside its namespaces, M_FORBIDDEN for a user that is not registered */
  logIn(owner: AccountOwner, user: string, options: SessionOptions): Promise<Session>;
};

/** How an application service registers and logs in its users. */
export const APPSERVICE_LOGIN = 'm.login.application_service';
/** The device of a request that names none. */
export const NO_DEVICE = '';

type Deps = { pool: Pool; serverName: string; findOwner: FindAccountOwner; knownTokens: KnownTokens; register: Register; logIn: LogIn };

export function createAppserviceAccounts({ pool, serverName, findOwner, knownTokens, register, logIn }: Deps): AppserviceAccounts {
  return {
    identify(accessToken) {
      if (accessToken === undefined) throw missingToken();
      const owner = findOwner(accessToken);
      if (owner === undefined) throw unknownToken('This is not the token of an application service');
      return owner;
    },

    async actAs(owner, { userId = owner.senderId, deviceId }) {
      if (!owner.ownsUser(userId)) throw forbidden(`The application service cannot act as ${userId}, who is not in its namespaces`);
      // Remembered under what nobody else can say: the key holds the token.
      const key = hashToken(JSON.stringify([owner.asToken, userId, deviceId]));
      const known = knownTokens.find(key);
      if (known !== undefined) return known.requester;
      const asOf = knownTokens.revision();
      const account = await findAccount(pool, userId);
      if (account === undefined) throw forbidden(`The application service has not registered ${userId}`);
      refuseByStatus(account);
      const { userNid, isGuest, isAdmin, status } = account;
      if (deviceId !== undefined && (await findDevice(pool, userNid, deviceId)) === undefined)
        throw unknownDevice(`${userId} has no device ${deviceId}`);
      const requester: Requester = {
        userId,
        userNid,
        deviceId: deviceId ?? NO_DEVICE,
        isGuest,
        isAdmin,
        ...(status === 'suspended' ? { isSuspended: true } : {}),
        appservice: { id: owner.id, rateLimited: owner.rateLimited },
      };
      knownTokens.remember(key, { requester, expiresAt: undefined }, asOf);
      return requester;
    },

    async register(owner, { username, inhibitLogin, ...session }) {
      if (username === undefined || username === '') throw missingParam('Missing key username');
      const userId = `@${username}:${serverName}`;
      const parsed = parseUserId(userId);
      // The networks behind bridges know other signs than user names of today: what is historical may still be made here.
      if (parsed?.localpart !== username || parsed.grammar === 'non-compliant')
        throw invalidUsername(`${JSON.stringify(username)} makes no user id`);
      if (!owner.ownsUser(userId)) throw matrixError(400, 'M_EXCLUSIVE', `${userId} is not in the application service's namespaces`);
      return await register.createAccount({
        userId,
        passwordHash: undefined,
        byAppservice: true,
        session: inhibitLogin ? undefined : session,
      });
    },

    async logIn(owner, user, options) {
      const userId = userIdMeantBy(user, serverName);
      if (userId === undefined || !owner.ownsUser(userId))
        throw matrixError(403, 'M_EXCLUSIVE', `${user} is not in the application service's namespaces`);
      const account = await findAccount(pool, userId);
      if (account === undefined) throw forbidden(`The application service has not registered ${userId}`);
      if (account.status === 'deactivated') throw userDeactivated();
      return await logIn.withoutProof(account, options);
    },
  };
}
