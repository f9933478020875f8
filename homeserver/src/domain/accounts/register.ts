import type { Clock } from '../../platform/clock.ts';
import {
  exclusive,
  forbidden,
  guestAccessForbidden,
  invalidUsername,
  missingParam,
  threepidInUse,
  unauthorized,
  userInUse,
} from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import { insertAcceptedPolicies } from '../../storage/accepted-policies.ts';
import { findAccount, insertAccount, upgradeGuestAccount } from '../../storage/accounts.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { countRegistrationTokenUse } from '../../storage/registration-tokens.ts';
import { insertThreepid } from '../../storage/threepids.ts';
import { internUsers } from '../../storage/users.ts';
import type { Authenticate } from './authenticate.ts';
import type { KnownTokens } from './known-tokens.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { checkNewPassword } from './passwords.ts';
import { asRecord, readText } from './read-record.ts';
import { createRepeatRegistration } from './repeat-registration.ts';
import type { Requester } from './requester.ts';
import { conditionParams, conditionStages, type SignUpConditions } from './sign-up-conditions.ts';
import { createSignUpDrafts } from './sign-up-drafts.ts';
import { newDeviceId, type Session, type SessionOptions, type StartSession } from './start-session.ts';
import type { RequireProof, UiaPass } from './uia.ts';
import { DUMMY_STAGE, EMAIL_STAGE, REGISTRATION_TOKEN_STAGE } from './uia-stages.ts';
import { userIdForName } from './user-names.ts';
import { type EmailValidations, finishEmailValidation } from './validate-email.ts';

export type RegistrationMode = 'email' | 'open' | 'token' | 'closed';
export type Registered = { userId: string } & Partial<Session>;

export type Registration = SessionOptions & {
  username?: string | undefined;
  password?: string | undefined;
  inhibitLogin?: boolean | undefined;
  /** Of a guest, whose account becomes a full one; `username` must then be the guest's. */
  guestAccessToken?: string | undefined;
  auth: unknown;
  /** The first account that is made from the server's own machine is its admin. */
  isLoopback: boolean;
};

export type Register = {
  /** https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3register */
  register(registration: Registration): Promise<Registered>;
  registerGuest(options: { initialDeviceDisplayName?: string | undefined }): Promise<Session>;
  /** Makes an account without asking for proof; the caller has had it otherwise. */
  createAccount(draft: AccountDraft, alongside?: (sql: Sql, userNid: number) => Promise<void>): Promise<Registered>;
  /** @throws M_FORBIDDEN when nobody can sign up by e-mail here: then no mail is sent to strangers either */
  checkEmailOffered(): void;
  /** @throws M_USER_IN_USE, M_INVALID_USERNAME, M_EXCLUSIVE */
  checkAvailable(username: string): Promise<void>;
  /** The same, wherever people may sign up by other means than registration. */
  checkFree(username: string): Promise<void>;
};

export type AccountDraft = {
  userId: string;
  passwordHash: string | undefined;
  isAdmin?: boolean;
  isGuest?: boolean;
  adminIfFirst?: boolean;
  /** An application service makes it for itself or for one of its users. */
  byAppservice?: boolean;
  /** What others see; the user name when undefined. */
  displayName?: string | undefined;
  /** Undefined: the account is made and nobody is logged in. */
  session: SessionOptions | undefined;
};

/** Writes what a new account begins with, in its transaction. */
export type WelcomeAccount = (
  sql: Sql,
  account: { userNid: number; userId: string; isGuest: boolean; displayName?: string | undefined },
) => Promise<void>;

const FLOWS: Record<RegistrationMode, readonly (readonly string[])[]> = {
  email: [[EMAIL_STAGE]],
  open: [[DUMMY_STAGE], [EMAIL_STAGE]],
  token: [[REGISTRATION_TOKEN_STAGE]],
  closed: [],
};
const GENERATED_NAME_BITS = 60;
const GUEST_NAMES = 10 ** 12;

type Deps = {
  pool: Pool;
  requireProof: RequireProof;
  startSession: StartSession;
  passwordHasher: PasswordHasher;
  emailValidations: EmailValidations;
  welcomeAccount: WelcomeAccount;
  authenticate: Authenticate;
  knownTokens: KnownTokens;
  conditions: SignUpConditions;
  /** Whether a user id is kept for an application service. */
  isReserved: (userId: string) => boolean;
  mode: RegistrationMode;
  allowGuests: boolean;
  serverName: string;
  clock: Clock;
  random: Random;
};

export function createRegister(deps: Deps): Register {
  const { pool, requireProof, startSession, passwordHasher, emailValidations, serverName, clock, random, mode, conditions } = deps;
  const repeatRegistration = createRepeatRegistration({ pool, startSession, clock });
  const drafts = createSignUpDrafts<Omit<Registration, 'auth' | 'isLoopback'>>({ random });
  const flows = FLOWS[mode].map((flow) => [...conditionStages(conditions), ...flow]);

  async function checkUserId(userId: string): Promise<void> {
    if (deps.isReserved(userId)) throw exclusive(`${userId} is kept for an application service`);
    if (userId.startsWith('@_')) throw invalidUsername('Names that begin with _ are left to application services');
    if ((await findAccount(pool, userId)) !== undefined) throw userInUse();
  }

  async function createAccount(draft: AccountDraft, alongside?: (sql: Sql, userNid: number) => Promise<void>): Promise<Registered> {
    const {
      userId,
      passwordHash,
      isAdmin = false,
      isGuest = false,
      adminIfFirst = false,
      byAppservice = false,
      displayName,
      session,
    } = draft;
    return await pool.begin(async (sql) => {
      const userNid = (await internUsers(sql, [userId], serverName)).get(userId);
      if (userNid === undefined) throw new Error(`${userId} got no number`);
      const { inserted } = await insertAccount(
        sql,
        { userNid, passwordHash, isAdmin, isGuest, byAppservice, createdAt: clock.now() },
        adminIfFirst,
      );
      if (!inserted) throw userInUse();
      await deps.welcomeAccount(sql, { userNid, userId, isGuest, displayName });
      await alongside?.(sql, userNid);
      return session === undefined ? { userId } : await startSession(sql, { userNid, userId }, session);
    });
  }

  /** Spends what the stages proved: the session, the e-mail address, the registration token. */
  async function spend(sql: Sql, userNid: number, { finish, proof }: UiaPass): Promise<void> {
    await finish(sql);
    if (proof.registrationToken !== undefined && !(await countRegistrationTokenUse(sql, proof.registrationToken, clock.now()))) {
      throw unauthorized('The registration token has been used up');
    }
    if (conditions.policies !== undefined) {
      const accepted = Object.entries(conditions.policies).map(([policy, { version }]) => ({ policy, version }));
      await insertAcceptedPolicies(sql, userNid, accepted, clock.now());
    }
    if (proof.emailSid === undefined) return;
    const proven = await emailValidations.find(sql, proof.emailSid);
    if (proven === undefined) throw unauthorized('The confirmation of the e-mail address has expired');
    const { address, validatedAt } = proven;
    const bound = await insertThreepid(sql, { userNid, medium: 'email', address, validatedAt, addedAt: clock.now() });
    if (!bound) throw threepidInUse('The e-mail address belongs to an account already');
    await finishEmailValidation(sql, proof.emailSid);
  }

  async function loadGuest(guestAccessToken: string, username: string | undefined): Promise<Requester> {
    const guest = await deps.authenticate({ accessToken: guestAccessToken });
    if (!guest.isGuest) throw forbidden('guest_access_token is not a guest’s');
    if (username === undefined || guest.userId !== `@${username}:${serverName}`) {
      throw forbidden(`The user name must be the guest's: ${guest.userId}`);
    }
    return guest;
  }

  /** Makes a guest's account a full one; the guest's devices stay logged in. */
  async function upgradeGuest(
    { userId, userNid }: Requester,
    passwordHash: string,
    session: SessionOptions | undefined,
    alongside: (sql: Sql) => Promise<void>,
  ): Promise<Registered> {
    const registered = await pool.begin(async (sql) => {
      if (!(await upgradeGuestAccount(sql, userNid, passwordHash))) throw userInUse();
      await alongside(sql);
      return session === undefined ? { userId } : await startSession(sql, { userNid, userId }, session);
    });
    deps.knownTokens.forgetUser(userNid);
    return registered;
  }

  async function register(given: Registration): Promise<Registered> {
    if (mode === 'closed') throw forbidden('Registration is closed on this server');
    const { auth, isLoopback, ...asked } = given;
    const sessionId = readText(asRecord(auth), 'session');
    const wish = drafts.complete(sessionId, asked);
    const { username, password, inhibitLogin, guestAccessToken, ...session } = wish;
    const body = { username, password, inhibitLogin, guest: guestAccessToken, ...session };
    const repeated = sessionId === undefined ? undefined : await repeatRegistration.find(sessionId, body, session);
    if (repeated !== undefined) return repeated;
    const guest = guestAccessToken === undefined ? undefined : await loadGuest(guestAccessToken, username);
    const wanted = username === undefined || guest !== undefined ? undefined : userIdForName(username, serverName);
    if (wanted !== undefined) await checkUserId(wanted);
    if (password !== undefined) checkNewPassword(password);
    const isProof = readText(asRecord(auth), 'type') !== undefined;
    if (isProof && password === undefined) throw missingParam('A registration needs a password');

    const params = conditionParams(conditions);
    const pass = await drafts.keeping(wish, () => requireProof({ operation: 'register', requester: undefined, body, auth, flows, params }));
    if (password === undefined) throw missingParam('A registration needs a password');
    const passwordHash = await passwordHasher.hash(password);
    const logIn = inhibitLogin === true ? undefined : { ...session, deviceId: session.deviceId ?? newDeviceId(random) };
    const alongside = async (sql: Sql, userNid: number) => {
      await spend(sql, userNid, pass);
      if (sessionId !== undefined) await repeatRegistration.note(sql, { sessionId, body, userNid, deviceId: logIn?.deviceId });
    };
    if (guest !== undefined) return await upgradeGuest(guest, passwordHash, logIn, (sql) => alongside(sql, guest.userNid));
    const userId = wanted ?? userIdForName(`u${random.text(GENERATED_NAME_BITS).toLowerCase()}`, serverName);
    return await createAccount({ userId, passwordHash, adminIfFirst: isLoopback, session: logIn }, alongside);
  }

  return {
    register,
    createAccount,
    async registerGuest({ initialDeviceDisplayName }) {
      if (!deps.allowGuests) throw guestAccessForbidden('This server has no guest accounts');
      const userId = `@${random.integer(GUEST_NAMES)}:${serverName}`;
      const guest = await createAccount({ userId, passwordHash: undefined, isGuest: true, session: { initialDeviceDisplayName } });
      if (guest.accessToken === undefined || guest.deviceId === undefined) throw new Error('a guest got no session');
      return { ...guest, accessToken: guest.accessToken, deviceId: guest.deviceId };
    },
    checkEmailOffered() {
      if (!flows.some((flow) => flow.includes(EMAIL_STAGE))) throw forbidden('Nobody signs up by e-mail on this server');
    },
    async checkAvailable(username) {
      if (mode === 'closed') throw forbidden('Registration is closed on this server');
      await checkUserId(userIdForName(username, serverName));
    },
    checkFree: (username) => checkUserId(userIdForName(username, serverName)),
  };
}
