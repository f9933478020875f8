import { getAuthenticationFallback, submitAuthenticationFallback } from 'federation-spec/api/client/fallback-pages.ts';
import { CAPTCHA_STAGE, TERMS_STAGE } from '../../domain/accounts/sign-up-conditions.ts';
import { SSO_STAGE } from '../../domain/accounts/sso/sso-proof.ts';
import type { FallbackOutcome, UiaFallback } from '../../domain/accounts/uia-fallback.ts';
import { EMAIL_STAGE, REGISTRATION_TOKEN_STAGE } from '../../domain/accounts/uia-stages.ts';
import { notFound } from '../../platform/matrix-error.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { readForm } from '../http/read-form.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { captchaField, policiesField } from '../pages/condition-fields.ts';
import { type Html, html } from '../pages/html.ts';
import { page } from '../pages/page.ts';
import { isLoopback } from './is-loopback.ts';

/** Sends a person to the sign-in provider for a session that asks for proof. */
export type BeginSsoProof = (request: HttpRequest, sessionId: string) => Promise<RawResponse>;

/** A captcha's solution takes a few thousand characters. */
const MAX_FORM_BYTES = 8_192;
/** Tells the client that opened the page, as the specification words it. */
export const TELL_CLIENT_DONE =
  'if(window.onAuthDone){window.onAuthDone()}else if(window.opener&&window.opener.postMessage){window.opener.postMessage("authDone","*")}';

/** Pages for the stages that a client cannot show. https://spec.matrix.org/latest/client-server-api/#fallback */
export function authFallbackRoutes(fallback: UiaFallback, beginSsoProof: BeginSsoProof | undefined): Route[] {
  return [
    route(getAuthenticationFallback, async ({ params, query, request }) => {
      if (params.authType === SSO_STAGE && beginSsoProof !== undefined) return await beginSsoProof(request, query.session);
      if (!fallback.isOffered(params.authType)) throw notFound('There is no page for this stage');
      return formPage(fallback, params.authType, { done: false });
    }),
    route(submitAuthenticationFallback, async ({ params, query, request }) => {
      const fields = await readForm(request, MAX_FORM_BYTES);
      const attempt = { stage: params.authType, sessionId: query.session ?? '', fields, isLoopback: isLoopback(request.ip) };
      const outcome = await fallback.pass(attempt);
      return outcome.done ? donePage() : formPage(fallback, params.authType, outcome);
    }),
  ];
}

/** The page of a stage that was passed: it tells the client. */
export function donePage(): RawResponse {
  return page({ title: 'Done', script: TELL_CLIENT_DONE, body: html`<p>You can close this page and go back to where you came from.</p>` });
}

type Asked = Extract<FallbackOutcome, { done: false }> | { done: false; reason?: undefined; sid?: undefined };

function formPage({ conditions }: UiaFallback, stage: string, { reason, sid }: Asked): RawResponse {
  return page({
    status: reason === undefined ? 200 : 400,
    title: 'Sign up',
    captcha: stage === CAPTCHA_STAGE,
    body: html`${reason !== undefined && html`<p role="alert">${reason}</p>`}
<form method="post">${fieldsOf(conditions, stage, sid)}<button class="main">Continue</button></form>`,
  });
}

function fieldsOf({ policies, captcha }: UiaFallback['conditions'], stage: string, sid: string | undefined): Html | undefined {
  if (stage === TERMS_STAGE && policies !== undefined) return policiesField(policies);
  if (stage === CAPTCHA_STAGE && captcha !== undefined) return captchaField(captcha);
  if (stage === REGISTRATION_TOKEN_STAGE) return html`<label>Registration token <input name="token" required autofocus></label>`;
  if (stage !== EMAIL_STAGE) return undefined;
  if (sid === undefined)
    return html`<label>E-mail address <input name="email" type="email" autocomplete="email" required autofocus></label>`;
  return html`<p role="status">We have sent you a mail.</p><input type="hidden" name="sid" value="${sid}">
<label>Code from the mail <input name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus></label>`;
}
