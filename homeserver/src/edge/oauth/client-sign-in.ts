import { redirectToIdP, redirectToSSO } from 'federation-spec/api/client/login.ts';
import { showSignIn, submitSignIn } from 'federation-spec/api/oauth/authorization-server.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { SingleSignOn } from '../../domain/accounts/sso/single-sign-on.ts';
import { unrecognizedPath } from '../../platform/matrix-error.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { found, page, seeOther } from '../pages/page.ts';
import type { BeginUpstream } from './begin-upstream.ts';
import { addLoginToken, checkRedirectUrl, placeName } from './client-address.ts';
import { expiredForm } from './expired-form.ts';
import { formTarget } from './form-target.ts';
import type { SignInForms } from './sign-in-forms.ts';
import type { SignInPlace } from './sign-in-place.ts';
import type { Visitor, Visitors } from './visitors.ts';

type Deps = {
  accounts: Accounts;
  visitors: Visitors;
  signInForms: SignInForms;
  sso: SingleSignOn | undefined;
  beginUpstream: BeginUpstream | undefined;
  /** Whether clients are to send people to our own page, which offers all there is. */
  isOAuthAware: boolean;
};
type Query = { redirectUrl: string; prompt?: string };

/** Where clients send people to sign in: to a provider, or to a page of ours where there is a choice. */
export function clientSignInRoutes(deps: Deps): Route[] {
  const { accounts, visitors, signInForms, sso, beginUpstream, isOAuthAware } = deps;
  const providers = sso?.providers ?? [];

  async function toProvider(
    request: HttpRequest,
    providerId: string,
    redirectUrl: string,
    action: string | undefined,
  ): Promise<RawResponse> {
    if (beginUpstream === undefined) throw unrecognizedPath();
    const goal = { purpose: 'client', target: checkRedirectUrl(redirectUrl) } as const;
    return await beginUpstream(request, goal, { providerId, wantsAccount: action === 'register' });
  }

  const placeOf = (request: HttpRequest, visitor: Visitor, { redirectUrl, prompt }: Query): SignInPlace => ({
    request,
    visitor,
    reason: html`to continue to <strong>${placeName(checkRedirectUrl(redirectUrl))}</strong>`,
    newAccount: prompt === 'create' ? 'asked' : 'offered',
  });

  return [
    route(redirectToSSO, async ({ query: { redirectUrl, action }, request }) => {
      const [only] = providers;
      if (only !== undefined && providers.length === 1 && !isOAuthAware) return await toProvider(request, only.id, redirectUrl, action);
      const prompt = action === 'register' ? { prompt: 'create' } : {};
      return found(`${showSignIn.path}?${new URLSearchParams({ redirectUrl: checkRedirectUrl(redirectUrl), ...prompt })}`);
    }),
    route(redirectToIdP, ({ params, query, request }) => toProvider(request, params.idpId, query.redirectUrl, query.action)),
    route(showSignIn, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      if (visitor.signedIn === undefined) return signInForms.show(placeOf(request, visitor, query));
      return continuePage(visitor, visitor.signedIn.account.userId, checkRedirectUrl(query.redirectUrl));
    }),
    route(submitSignIn, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      const form = await visitors.readForm(request, visitor);
      if (form === undefined) return expiredForm(request.url);
      const handled = await signInForms.submit(placeOf(request, visitor, query), form);
      if (handled !== undefined) return handled;
      if (visitor.signedIn === undefined || form['do'] !== 'continue') return seeOther(request.url);
      return seeOther((await addLoginToken(accounts, visitor.signedIn.account.userNid, checkRedirectUrl(query.redirectUrl))).href);
    }),
  ];
}

function continuePage(visitor: Visitor, userId: string, redirectUrl: string): RawResponse {
  return page({
    title: 'Continue?',
    cookies: visitor.cookies,
    formTargets: [formTarget(redirectUrl)],
    body: html`<p>You are signed in as <strong>${userId}</strong>. <strong>${placeName(redirectUrl)}</strong> wants to use your account.</p>
<p class="soft">Go on only if you came from there.</p>
<form method="post">${visitor.formToken}<button class="main" name="do" value="continue">Continue</button>
<p class="soft">Not you? <button class="plain" name="do" value="sign-out">Use another account</button></p></form>`,
  });
}
