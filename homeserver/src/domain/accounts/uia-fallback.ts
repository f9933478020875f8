import type { Clock } from '../../platform/clock.ts';
import { MatrixError } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { completeUiaStage, findUiaSession } from '../../storage/uia-sessions.ts';
import { CAPTCHA_STAGE, type SignUpConditions, TERMS_STAGE } from './sign-up-conditions.ts';
import type { StageCheck } from './uia.ts';
import { DUMMY_STAGE, EMAIL_STAGE, REGISTRATION_TOKEN_STAGE } from './uia-stages.ts';
import type { EmailValidations } from './validate-email.ts';

/** What came of a stage that was passed, or not, on a page in a browser; after `sid` the code from a mail is still to be typed. */
export type FallbackOutcome =
  | { done: true }
  | { done: false; reason: string; sid?: string }
  | { done: false; sid: string; reason?: undefined };

/**
 * Passes a stage for a client that cannot show it: the person does it in a browser, and the client goes on with the session.
 * https://spec.matrix.org/latest/client-server-api/#fallback
 */
export type UiaFallback = {
  /** What the pages show: documents, captcha. */
  conditions: SignUpConditions;
  /** Whether there is a page for this stage. */
  isOffered(stage: string): boolean;
  pass(attempt: FallbackAttempt): Promise<FallbackOutcome>;
};

export type FallbackAttempt = { stage: string; sessionId: string; fields: Readonly<Record<string, string>>; isLoopback: boolean };

/** Stages that need neither an access token nor a secret of the client's: a page is as good as the client. */
const OFFERED: readonly string[] = [DUMMY_STAGE, REGISTRATION_TOKEN_STAGE, EMAIL_STAGE];
const OPERATION = 'register';
const FIRST_ATTEMPT = 1;

type Deps = {
  pool: Pool;
  stages: ReadonlyMap<string, StageCheck>;
  emailValidations: EmailValidations;
  conditions: SignUpConditions;
  clock: Clock;
};

export function createUiaFallback(deps: Deps): UiaFallback {
  const { pool, stages, emailValidations, conditions, clock } = deps;
  const isOffered = (stage: string) =>
    OFFERED.includes(stage) ||
    (stage === TERMS_STAGE && conditions.policies !== undefined) ||
    (stage === CAPTCHA_STAGE && conditions.captcha !== undefined);

  /** Mails a code, or takes the one that was typed; the session is the secret that ties the two. */
  async function proveAddress({ sessionId, fields, isLoopback }: FallbackAttempt): Promise<object | { sid: string }> {
    const { sid, code, email } = fields;
    if (sid === undefined) {
      const request = { purpose: 'register', email: email ?? '', clientSecret: sessionId, sendAttempt: FIRST_ATTEMPT, isLoopback } as const;
      return await emailValidations.request(request);
    }
    await emailValidations.submitCode({ sid, clientSecret: sessionId, code: code ?? '' });
    return { threepid_creds: { sid, client_secret: sessionId } };
  }

  return {
    conditions,
    isOffered,
    async pass(attempt) {
      const { stage, sessionId, fields } = attempt;
      const session = await findUiaSession(pool, sessionId, clock.now());
      const check = isOffered(stage) ? stages.get(stage) : undefined;
      if (session === undefined || session.operation !== OPERATION || check === undefined) {
        return { done: false, reason: 'This session is unknown or has expired. Start again where you came from.' };
      }
      try {
        const auth = stage === EMAIL_STAGE ? await proveAddress(attempt) : fields;
        if ('sid' in auth && typeof auth.sid === 'string') return { done: false, sid: auth.sid };
        const proof = await check({ auth: { ...auth }, sessionId, operation: OPERATION, requester: undefined });
        await completeUiaStage(pool, sessionId, stage, proof);
        return { done: true };
      } catch (error) {
        const { sid } = fields;
        if (error instanceof MatrixError) return { done: false, reason: error.message, ...(sid === undefined ? {} : { sid }) };
        throw error;
      }
    },
  };
}
