import { authorize, submitAuthorization } from 'federation-spec/api/oauth/authorization-server.ts';
import {
  type AuthorizationQuery,
  type AuthorizationRequest,
  type ReturnAddress,
  returnUrl,
} from '../../domain/accounts/oauth/authorizations.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import { OAuthError } from '../../domain/accounts/oauth/oauth-error.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page, seeOther } from '../pages/page.ts';
import { readAuthorizationQuery } from './authorization-query.ts';
import { describeClient, nameOf } from './describe-client.ts';
import { expiredForm } from './expired-form.ts';
import { formTarget } from './form-target.ts';
import type { SignInForms } from './sign-in-forms.ts';
import type { SignInPlace } from './sign-in-place.ts';
import type { Visitor, Visitors } from './visitors.ts';

type Deps = { oauth: OAuth; visitors: Visitors; signInForms: SignInForms };

/** Signing in and letting a client in, in a browser: https://spec.matrix.org/latest/client-server-api/#authorisation-code-flow */
export function authorizeRoutes({ oauth, visitors, signInForms }: Deps): Route[] {
  /** The request, or the answer when it is not sound. */
  async function read(query: AuthorizationQuery): Promise<AuthorizationRequest | RawResponse> {
    try {
      const request = await oauth.authorizations.read(query);
      return 'error' in request ? sendBack(request.back, { error: request.error.code, error_description: request.error.message }) : request;
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      return page({ status: error.status, title: 'This link does not work', body: html`<p role="alert">${error.message}</p>` });
    }
  }

  const placeOf = (request: HttpRequest, visitor: Visitor, wanted: AuthorizationRequest, query: AuthorizationQuery): SignInPlace => ({
    request,
    visitor,
    reason: html`to continue to <strong>${nameOf(wanted.client)}</strong>`,
    loginHint: readLoginHint(query.login_hint),
    newAccount: wanted.wantsAccount ? 'asked' : 'offered',
  });

  return [
    route(authorize, async ({ query: given, request }) => {
      const query = readAuthorizationQuery(given);
      const wanted = await read(query);
      if ('kind' in wanted) return wanted;
      const visitor = await visitors.read(request);
      if (visitor.signedIn === undefined) return signInForms.show(placeOf(request, visitor, wanted, query));
      return consentPage(wanted, visitor, visitor.signedIn.account.userId);
    }),
    route(submitAuthorization, async ({ query: given, request }) => {
      const query = readAuthorizationQuery(given);
      const wanted = await read(query);
      if ('kind' in wanted) return wanted;
      const visitor = await visitors.read(request);
      const form = await visitors.readForm(request, visitor);
      if (form === undefined) return expiredForm(request.url);
      const handled = await signInForms.submit(placeOf(request, visitor, wanted, query), form);
      if (handled !== undefined) return handled;
      if (visitor.signedIn === undefined) return seeOther(request.url);
      if (form['do'] !== 'allow') return sendBack(wanted, { error: 'access_denied', error_description: 'The person said no' });
      return sendBack(wanted, { code: await oauth.authorizations.allow(wanted, visitor.signedIn.account.userNid) });
    }),
  ];
}

function sendBack(back: ReturnAddress, outcome: Readonly<Record<string, string>>): RawResponse {
  return seeOther(returnUrl(back, outcome));
}

function consentPage(request: AuthorizationRequest, visitor: Visitor, userId: string): RawResponse {
  const { client, redirectUri, scope } = request;
  return page({
    title: `Allow ${nameOf(client)}?`,
    cookies: visitor.cookies,
    formTargets: [formTarget(redirectUri)],
    body: html`<p>You are signed in as <strong>${userId}</strong>.</p>
${describeClient(client, scope.deviceId)}
<form method="post">${visitor.formToken}
<button class="main" name="do" value="allow">Allow</button>
<button name="do" value="deny">Cancel</button>
<p class="soft">Not you? <button class="plain" name="do" value="sign-out">Use another account</button></p>
</form>`,
  });
}

/** `mxid:@romeo:example.org` or a user name. */
function readLoginHint(hint: string | undefined): string | undefined {
  return hint?.startsWith('mxid:') === true ? hint.slice('mxid:'.length) : hint;
}
