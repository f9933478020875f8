import type { Clock } from '../../platform/clock.ts';
import { forbidden, matrixError, missingParam } from '../../platform/matrix-error.ts';
import { findAccountByNid } from '../../storage/accounts.ts';
import type { Pool } from '../../storage/database.ts';
import type { EmailPurpose } from '../../storage/email-validations.ts';
import { isRegistrationTokenValid } from '../../storage/registration-tokens.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { isPlausiblePassword } from './passwords.ts';
import { asRecord, readText } from './read-record.ts';
import { CAPTCHA_STAGE, type SignUpConditions, TERMS_STAGE } from './sign-up-conditions.ts';
import type { Throttle } from './throttle.ts';
import type { StageCheck } from './uia.ts';
import { userIdMeantBy } from './user-names.ts';
import type { EmailValidations } from './validate-email.ts';

export const PASSWORD_STAGE = 'm.login.password';
export const EMAIL_STAGE = 'm.login.email.identity';
export const DUMMY_STAGE = 'm.login.dummy';
export const REGISTRATION_TOKEN_STAGE = 'm.login.registration_token';

/** What an e-mail address proves in an operation. */
const PURPOSES: Readonly<Record<string, EmailPurpose>> = { register: 'register', changePassword: 'reset-password' };
const MAX_REGISTRATION_TOKEN_CHARACTERS = 64;
const MAX_CAPTCHA_CHARACTERS = 8_192;

type Deps = {
  pool: Pool;
  passwordHasher: PasswordHasher;
  throttle: Throttle;
  emailValidations: EmailValidations;
  conditions: SignUpConditions;
  serverName: string;
  clock: Clock;
};

/**
 * The stages we know, each with its check.
 * https://spec.matrix.org/latest/client-server-api/#authentication-types
 */
export function createUiaStages(deps: Deps): ReadonlyMap<string, StageCheck> {
  const { pool, passwordHasher, throttle, emailValidations, conditions, serverName, clock } = deps;

  const checkPassword: StageCheck = async ({ auth, requester }) => {
    const password = readText(auth, 'password');
    if (requester === undefined) throw forbidden('A password proves nothing without an access token');
    if (password === undefined) throw missingParam('The stage needs a password');
    const typed = readText(asRecord(auth['identifier']), 'user') ?? readText(auth, 'user');
    if (typed !== undefined && userIdMeantBy(typed, serverName) !== requester.userId) throw forbidden('This is another account');

    throttle.check(requester.userId);
    const account = await findAccountByNid(pool, requester.userNid);
    const hash = isPlausiblePassword(password) ? (account?.passwordHash ?? undefined) : undefined;
    if (!(await passwordHasher.compare(password, hash))) {
      throttle.fail(requester.userId);
      throw matrixError(401, 'M_FORBIDDEN', 'The password is wrong');
    }
    return {};
  };

  const checkEmail: StageCheck = async ({ auth, sessionId, operation }) => {
    const credentials = asRecord(auth['threepid_creds']) ?? asRecord(auth['threepidCreds']);
    const sid = readText(credentials, 'sid');
    const clientSecret = readText(credentials, 'client_secret');
    const purpose = PURPOSES[operation];
    if (sid === undefined || clientSecret === undefined) throw missingParam('The stage needs threepid_creds with sid and client_secret');
    if (purpose === undefined) throw forbidden('An e-mail address proves nothing here');
    await emailValidations.take(pool, { sid, clientSecret, purpose, spentOn: sessionId });
    return { emailSid: sid };
  };

  const checkRegistrationToken: StageCheck = async ({ auth, sessionId }) => {
    const token = readText(auth, 'token');
    if (token === undefined || token.length > MAX_REGISTRATION_TOKEN_CHARACTERS) throw missingParam('The stage needs a registration token');
    throttle.check(`registration-token ${sessionId}`);
    if (!(await isRegistrationTokenValid(pool, token, clock.now()))) {
      throttle.fail(`registration-token ${sessionId}`);
      throw matrixError(401, 'M_UNAUTHORIZED', 'The registration token is not valid');
    }
    return { registrationToken: token };
  };

  const checkCaptcha: StageCheck = async ({ auth }) => {
    const response = readText(auth, 'response') ?? readText(auth, 'g-recaptcha-response');
    if (response === undefined || response === '' || response.length > MAX_CAPTCHA_CHARACTERS) {
      throw matrixError(401, 'M_CAPTCHA_NEEDED', 'The captcha must be solved');
    }
    if ((await conditions.captcha?.isSolved(response)) !== true) throw matrixError(401, 'M_CAPTCHA_INVALID', 'The captcha was not solved');
    return {};
  };

  return new Map<string, StageCheck>([
    [CAPTCHA_STAGE, checkCaptcha],
    [TERMS_STAGE, async () => ({})],
    [PASSWORD_STAGE, checkPassword],
    [EMAIL_STAGE, checkEmail],
    [REGISTRATION_TOKEN_STAGE, checkRegistrationToken],
    [DUMMY_STAGE, async () => ({})],
  ]);
}
