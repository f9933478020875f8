import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Mailer } from '../../platform/mailer.ts';
import type { Random } from '../../platform/random.ts';
import { listenForAccountChanges } from '../../storage/account-news.ts';
import { type AccountRow, findAccount } from '../../storage/accounts.ts';
import type { Pool } from '../../storage/database.ts';
import { isRegistrationTokenValid } from '../../storage/registration-tokens.ts';
import { createAccessTokens } from './access-tokens.ts';
import { type AccountModeration, createAccountModeration } from './account-status.ts';
import { type AppserviceAccounts, createAppserviceAccounts, type FindAccountOwner } from './appservice-accounts.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { type ChangePassword, createChangePassword } from './change-password.ts';
import { createDeactivate, type Deactivate } from './deactivate.ts';
import { createDepartures, type LeaveAllRooms } from './departures.ts';
import { createDevices, type Devices } from './devices.ts';
import type { IdentityBindings } from './identity-bindings.ts';
import { createKnownTokens } from './known-tokens.ts';
import { createLastSeen } from './last-seen.ts';
import { createLogIn, type LogIn } from './log-in.ts';
import { createMailQueue } from './mail-queue.ts';
import { createPasswordHasher } from './password-hasher.ts';
import { createRefreshSession, type RefreshSession } from './refresh-session.ts';
import { createRegister, type Register, type RegistrationMode, type WelcomeAccount } from './register.ts';
import { type AnnounceDevice, type CommitDeviceChange, createRemoveDevices, type ForgetDevices } from './remove-devices.ts';
import type { Requester } from './requester.ts';
import { createSharedSecretRegistration, type SharedSecretRegistration } from './shared-secret-registration.ts';
import type { SignUpConditions } from './sign-up-conditions.ts';
import { createSsoProof } from './sso/sso-proof.ts';
import { createIssueTokens, createStartSession } from './start-session.ts';
import { createThreepids, type Threepids } from './threepids.ts';
import { createThrottle, noThrottle } from './throttle.ts';
import { createRequireProof, type RequireProof } from './uia.ts';
import { createUiaFallback, type UiaFallback } from './uia-fallback.ts';
import { createUiaStages, PASSWORD_STAGE } from './uia-stages.ts';
import { createEmailValidations, type EmailValidations } from './validate-email.ts';

/** The people of this server: sign-up, log-in, tokens, devices, addresses. */
export type Accounts = AsyncDisposable & {
  authenticate: Authenticate;
  register: Register;
  /** Undefined when the server has no registration secret. */
  sharedSecretRegistration: SharedSecretRegistration | undefined;
  logIn: LogIn;
  /** Lets a logged-in client make a token for another one, after proof. */
  createLoginToken(requester: Requester, auth: unknown): Promise<{ loginToken: string; expiresInMs: number }>;
  refreshSession: RefreshSession;
  devices: Devices;
  changePassword: ChangePassword;
  deactivate: Deactivate;
  /** Takes up the ends of accounts that were not finished when the server last ended. Rooms must be ready. */
  resumeDepartures(): Promise<void>;
  emailValidations: EmailValidations;
  threepids: Threepids;
  identityBindings: IdentityBindings;
  requireProof: RequireProof;
  uiaFallback: UiaFallback;
  moderation: AccountModeration;
  appservices: AppserviceAccounts;
  find(userId: string): Promise<AccountRow | undefined>;
  /** A password as it is stored. */
  hashPassword(password: string): Promise<string>;
  /** Whether somebody is behind a user id of this server: an account that is not deactivated. */
  isActive(userId: string): Promise<boolean>;
  isRegistrationTokenValid(token: string): Promise<boolean>;
};

export type AccountsDeps = {
  pool: Pool;
  clock: Clock;
  random: Random;
  logger: Logger;
  mailer: Mailer;
  serverName: string;
  publicUrl: string;
  tokenSeed: Uint8Array;
  pepper: Uint8Array;
  passwordCost: number;
  registration: RegistrationMode;
  registrationSecret: string | undefined;
  allowGuests: boolean;
  identityBindings: IdentityBindings;
  /** What newcomers must do. */
  conditions: SignUpConditions;
  rateLimits: boolean;
  showCode: ((line: string) => void) | undefined;
  commitDeviceChange: CommitDeviceChange;
  forgetDevices: ForgetDevices;
  announceDevice: AnnounceDevice;
  leaveAllRooms: LeaveAllRooms;
  welcomeAccount: WelcomeAccount;
  isReserved: (userId: string) => boolean;
  findAppservice: FindAccountOwner;
};

/** Wrong passwords for one account that are free, and how long until one more is. */
const PASSWORD_BURST = 10;
const PASSWORD_FORGIVE_MS = 30_000;

export function createAccounts(deps: AccountsDeps): Accounts {
  const { pool, clock, random, logger, serverName, rateLimits } = deps;
  const accessTokens = createAccessTokens({ seed: deps.tokenSeed, serverName, random });
  const knownTokens = createKnownTokens();
  const lastSeen = createLastSeen({ pool, clock, logger });
  const passwordHasher = createPasswordHasher({ cost: deps.passwordCost });
  const mailQueue = createMailQueue({ mailer: deps.mailer, logger });
  const throttle = rateLimits ? createThrottle({ clock, burst: PASSWORD_BURST, forgiveMs: PASSWORD_FORGIVE_MS }) : noThrottle;

  const emailValidations = createEmailValidations({ ...deps, mailQueue });
  const stages = createUiaStages({ ...deps, passwordHasher, throttle, emailValidations });
  const requireProof = createSsoProof({ pool, requireProof: createRequireProof({ pool, stages, clock, random }) });
  const issueTokens = createIssueTokens({ accessTokens, clock, random });
  const startSession = createStartSession({ clock, random, issueTokens });
  const removeDevices = createRemoveDevices({ ...deps, knownTokens });
  const devices = createDevices({ ...deps, requireProof, removeDevices, lastSeen });
  const authenticate = createAuthenticate({ pool, accessTokens, knownTokens, lastSeen, clock });
  const register = createRegister({
    ...deps,
    requireProof,
    authenticate,
    startSession,
    passwordHasher,
    emailValidations,
    knownTokens,
    mode: deps.registration,
  });
  const logIn = createLogIn({ ...deps, passwordHasher, startSession, knownTokens, throttle });
  const departures = createDepartures({ ...deps, devices });
  const { registrationSecret: secret } = deps;
  const takeUp = (userNid: number) => {
    knownTokens.forgetUser(userNid);
    departures.resume().catch((error: unknown) => logger.error({ err: error }, 'the ends of accounts could not be taken up'));
  };
  listenForAccountChanges(pool, takeUp).catch((error: unknown) =>
    logger.warn({ err: error }, 'changes that the admin command makes to accounts will be noticed late'),
  );

  return {
    authenticate,
    register,
    sharedSecretRegistration:
      secret === undefined ? undefined : createSharedSecretRegistration({ secret, register, passwordHasher, serverName, clock, random }),
    logIn,
    async createLoginToken(requester, auth) {
      const pass = await requireProof({ operation: 'generateLoginToken', requester, body: {}, auth, flows: [[PASSWORD_STAGE]] });
      await pass.finish(pool);
      return await logIn.createLoginToken(requester.userNid);
    },
    refreshSession: createRefreshSession({ pool, issueTokens, knownTokens, removeDevices, clock }),
    devices,
    changePassword: createChangePassword({ pool, requireProof, emailValidations, passwordHasher, devices }),
    deactivate: createDeactivate({ pool, clock, requireProof, knownTokens, departures }),
    resumeDepartures: departures.resume,
    emailValidations,
    threepids: createThreepids({ pool, requireProof, emailValidations, clock }),
    identityBindings: deps.identityBindings,
    requireProof,
    uiaFallback: createUiaFallback({ ...deps, stages, emailValidations }),
    moderation: createAccountModeration({ pool, knownTokens }),
    appservices: createAppserviceAccounts({ pool, serverName, findOwner: deps.findAppservice, knownTokens, register, logIn }),
    find: (userId) => findAccount(pool, userId),
    hashPassword: (password) => passwordHasher.hash(password),
    async isActive(userId) {
      const account = await findAccount(pool, userId);
      return account !== undefined && account.status !== 'deactivated';
    },
    isRegistrationTokenValid: (token) => isRegistrationTokenValid(pool, token, clock.now()),
    async [Symbol.asyncDispose]() {
      await departures.stop();
      await Promise.all([lastSeen, passwordHasher, mailQueue].map((part) => part[Symbol.asyncDispose]()));
    },
  };
}
