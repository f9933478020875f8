import { buildUri } from 'federation-spec/api/build-uri.ts';
import { getAuthenticationFallback } from 'federation-spec/api/client/fallback-pages.ts';
import { register, requestTokenToRegisterEmail } from 'federation-spec/api/client/registration.ts';
import { createMatrixHttp, type MatrixHttp, NO_TOKENS } from '../http/matrix-http.ts';
import { RequestError } from '../http/request-error.ts';
import { isJsonObject, objectIn, stringIn } from '../json.ts';
import { randomId } from '../random-id.ts';
import type { AuthAnswer, AuthChallenge } from './interactive-auth.ts';
import { toSession } from './login.ts';
import type { Registration, RegistrationStep } from './registration.ts';
import { readChallenge } from './run-interactive-auth.ts';

const EMAIL = 'm.login.email.identity';
const TOKEN = 'm.login.registration_token';
const TERMS = 'm.login.terms';
const DUMMY = 'm.login.dummy';
const SUPPORTED = new Set([EMAIL, TOKEN, TERMS, DUMMY]);

export type RegistrationOptions = {
  fetch: typeof globalThis.fetch;
  homeserverUrl: string;
  /** The localpart of the user id. */
  username: string;
  password: string;
  deviceName: string;
};

type EmailProof = { address: string; clientSecret: string; sid: string; submitUrl: string | undefined; sendAttempt: number };

/**
 * Begins to register and tells the first step. Throws `RequestError` when the name is taken (`M_USER_IN_USE`), wrong (`M_INVALID_USERNAME`),
 * the password too weak, or the server takes nobody (`M_FORBIDDEN`).
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3register
 */
export async function startRegistration(options: RegistrationOptions): Promise<Registration> {
  const { fetch, homeserverUrl, username, password, deviceName } = options;
  const http = createMatrixHttp({ baseUrl: homeserverUrl, fetch, tokens: NO_TOKENS });
  let challenge: AuthChallenge | undefined;
  let email: EmailProof | undefined;
  let step: RegistrationStep = { step: 'unsupported', stage: '', fallbackUrl: homeserverUrl };

  async function attempt(auth: AuthAnswer | undefined): Promise<RegistrationStep> {
    try {
      const answer = await http.request(register, {
        body: { username, password, initial_device_display_name: deviceName, refresh_token: true, ...(auth === undefined ? {} : { auth }) },
      });
      step = { step: 'done', session: toSession(homeserverUrl, answer, Date.now()) };
      return step;
    } catch (error) {
      const asked = readChallenge(error);
      if (asked === undefined) throw error;
      challenge = asked;
      if (auth !== undefined && asked.error !== undefined && !asked.completed.includes(String(auth['type']))) throw error;
      return await proceed(asked);
    }
  }

  async function proceed(asked: AuthChallenge): Promise<RegistrationStep> {
    const stage = nextStage(asked);
    if (stage === DUMMY) return await attempt({ type: DUMMY, session: asked.session });
    step = stepFor(stage, asked, homeserverUrl);
    return step;
  }

  async function answerStage(stage: AuthAnswer): Promise<RegistrationStep> {
    if (challenge === undefined) throw new Error('The registration has not begun');
    return await attempt({ ...stage, session: challenge.session });
  }

  async function requestCode(address: string, sendAttempt: number, clientSecret: string): Promise<RegistrationStep> {
    const answer = await http.request(requestTokenToRegisterEmail, {
      body: { client_secret: clientSecret, email: address, send_attempt: sendAttempt },
    });
    email = { address, clientSecret, sid: answer.sid, submitUrl: answer.submit_url, sendAttempt };
    step = { step: 'email-code', address, byLink: answer.submit_url === undefined };
    return step;
  }

  async function proveEmail(): Promise<RegistrationStep> {
    const { sid, clientSecret } = loadEmail();
    return await answerStage({ type: EMAIL, threepid_creds: { sid, client_secret: clientSecret } });
  }

  function loadEmail(): EmailProof {
    if (email === undefined) throw new Error('No code was asked for yet');
    return email;
  }

  await attempt(undefined);

  return {
    step: () => step,
    sendEmailCode: (address) => requestCode(address.trim(), 1, randomId()),
    resendEmailCode: () => requestCode(loadEmail().address, loadEmail().sendAttempt + 1, loadEmail().clientSecret),
    async submitEmailCode(code) {
      await submitCode(fetch, http, loadEmail(), code.replace(/\s/g, ''));
      return await proveEmail();
    },
    continueAfterLink: proveEmail,
    submitToken: (token) => answerStage({ type: TOKEN, token: token.trim() }),
    acceptTerms: () => answerStage({ type: TERMS }),
  };
}

/** The first stage still to do, in the shortest flow of which we know every stage; an unknown one when there is no such flow. */
function nextStage({ flows, completed }: AuthChallenge): string {
  const byLength = [...flows].sort((a, b) => a.length - b.length);
  const flow = byLength.find((stages) => stages.every((stage) => SUPPORTED.has(stage) || completed.includes(stage))) ?? byLength[0] ?? [];
  return flow.find((stage) => !completed.includes(stage)) ?? DUMMY;
}

function stepFor(stage: string, challenge: AuthChallenge, homeserverUrl: string): RegistrationStep {
  if (stage === EMAIL) return { step: 'email' };
  if (stage === TOKEN) return { step: 'registration-token' };
  if (stage === TERMS) return { step: 'terms', policies: readPolicies(challenge) };
  return {
    step: 'unsupported',
    stage,
    fallbackUrl: homeserverUrl + buildUri(getAuthenticationFallback.path, { authType: stage }, { session: challenge.session }),
  };
}

function readPolicies({ params }: AuthChallenge): { name: string; url: string }[] {
  const policies = objectIn(objectIn(params, TERMS), 'policies') ?? {};
  return Object.values(policies).flatMap((policy) => {
    const english = objectIn(policy, 'en') ?? Object.values(isJsonObject(policy) ? policy : {}).find(isJsonObject);
    const name = stringIn(english, 'name');
    const url = stringIn(english, 'url');
    return name === undefined || url === undefined ? [] : [{ name, url }];
  });
}

/** https://spec.matrix.org/latest/identity-service-api/#post_matrixidentityv2validateemailsubmittoken (the server names the address itself) */
async function submitCode(fetch: typeof globalThis.fetch, http: MatrixHttp, proof: EmailProof, code: string): Promise<void> {
  if (proof.submitUrl === undefined) throw new Error('This server mails a link, not a code');
  const body = JSON.stringify({ sid: proof.sid, client_secret: proof.clientSecret, token: code });
  const url = new URL(proof.submitUrl, http.baseUrl);
  const response = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok && (!isJsonObject(answer) || answer['success'] !== false)) return;
  throw new RequestError({
    status: response.status,
    errcode: stringIn(answer, 'errcode') ?? 'M_TOKEN_INCORRECT',
    message: stringIn(answer, 'error') ?? 'The code is not right',
    retryAfterMs: undefined,
    data: isJsonObject(answer) ? answer : {},
  });
}
