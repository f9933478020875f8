import {
  beginUpstreamSignIn,
  finishUpstreamSignIn,
  manageAccount,
  submitUpstreamSignIn,
} from 'federation-spec/api/oauth/authorization-server.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import { UpstreamRefusal } from '../../domain/accounts/sso/oidc-provider.ts';
import { NameRefusal, type SingleSignOn, type SsoArrival } from '../../domain/accounts/sso/single-sign-on.ts';
import { invalidParam, MatrixError } from '../../platform/matrix-error.ts';
import { donePage } from '../client-api/auth-fallback.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page, seeOther } from '../pages/page.ts';
import { SIGN_IN_ACTION } from './account-actions.ts';
import { type BeginUpstream, tellRefusal } from './begin-upstream.ts';
import { addLoginToken, placeName } from './client-address.ts';
import { expiredForm } from './expired-form.ts';
import type { Visitor, Visitors } from './visitors.ts';

type AccountOfSignIn = Awaited<ReturnType<Accounts['logIn']['verify']>>;
type Newcomer = { ticket: string; providerName: string; username: string; failure?: string };
type Deps = { sso: SingleSignOn; oauth: OAuth; accounts: Accounts; visitors: Visitors; publicUrl: string };

/** Signing in by another provider. https://spec.matrix.org/latest/client-server-api/#client-login-via-sso */
export function singleSignOnRoutes({
  sso,
  oauth,
  accounts,
  visitors,
  publicUrl,
  beginUpstream,
}: Deps & { beginUpstream: BeginUpstream }): Route[] {
  async function finish({ account, goal }: Extract<SsoArrival, { kind: 'account' }>): Promise<RawResponse> {
    if (goal.purpose === 'link') return seeOther(`${manageAccount.path}?action=${SIGN_IN_ACTION}`);
    if (goal.purpose === 'page') return seeOther(goal.target, [visitors.setCookie(await oauth.browserSessions.signIn(account.userNid))]);
    if (goal.purpose === 'proof') {
      if (await sso.prove(goal.target, account.userNid)) return donePage();
      throw new UpstreamRefusal('You signed in as somebody else than who was asked, or too long after.');
    }
    const url = await addLoginToken(accounts, account.userNid, goal.target);
    return url.origin === new URL(publicUrl).origin ? seeOther(url.href) : continuePage(url, account.userId);
  }

  /** An account is taken by its password and never by an address that a provider tells. */
  async function link(visitor: Visitor, newcomer: Newcomer, password: string): Promise<RawResponse> {
    let account: AccountOfSignIn;
    try {
      account = await accounts.logIn.verify({ kind: 'user', user: newcomer.username }, password);
    } catch (error) {
      if (error instanceof MatrixError) return namePage(visitor, { ...newcomer, failure: error.message });
      throw error;
    }
    return await finish(await sso.link(newcomer.ticket, account, visitor.cookie));
  }

  return [
    route(beginUpstreamSignIn, async ({ query, request }) => {
      if (!isOwnPage(query.back)) throw invalidParam('back must be one of our pages');
      return await beginUpstream(request, { purpose: 'page', target: query.back }, { providerId: query.provider });
    }),
    route(finishUpstreamSignIn, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      return await tellRefusal(async () => {
        const { state, code, error_description: reason, error = reason } = query;
        if (state === undefined || code === undefined)
          throw new UpstreamRefusal(`The sign-in provider did not let you in (${error ?? 'no reason'}).`);
        const arrival = await sso.arrive({ state, code }, visitor.cookie);
        return arrival.kind === 'account' ? await finish(arrival) : namePage(visitor, { ...arrival, username: arrival.suggestion });
      });
    }),
    route(submitUpstreamSignIn, async ({ request }) => {
      const visitor = await visitors.read(request);
      const form = await visitors.readForm(request, visitor);
      if (form === undefined) return expiredForm(manageAccount.path);
      const { ticket = '', provider = '' } = form;
      const username = (form['username'] ?? '').trim();
      return await tellRefusal(async () => {
        if (form['do'] === 'link') return await link(visitor, { ticket, providerName: provider, username }, form['password'] ?? '');
        try {
          return await finish(await sso.chooseName(ticket, username, visitor.cookie));
        } catch (error) {
          if (!(error instanceof NameRefusal)) throw error;
          return namePage(visitor, { ticket: error.ticket, providerName: provider, username, failure: error.message });
        }
      });
    }),
  ];
}

/** Sends a person to the provider for a session that asks for proof. */
export function createBeginSsoProof({ sso, visitors }: Pick<Deps, 'sso' | 'visitors'>) {
  return async function beginSsoProof(request: HttpRequest, sessionId: string): Promise<RawResponse> {
    const { cookie, cookies } = await visitors.read(request);
    return await tellRefusal(async () => seeOther(await sso.beginProof(sessionId, cookie), cookies));
  };
}

/** Anybody can send people here with any address to go on to, so they see where it leads before the token goes there. */
function continuePage(url: URL, userId: string): RawResponse {
  return page({
    title: 'Continue?',
    body: html`<p>You are signed in as <strong>${userId}</strong>. <strong>${placeName(url.href)}</strong> wants to use your account.</p>
<p class="soft">Go on only if you came from there.</p><a class="button" href="${url.href}">Continue</a>`,
  });
}

function namePage(visitor: Visitor, { ticket, providerName, username, failure }: Newcomer): RawResponse {
  const hidden = html`${visitor.formToken}<input type="hidden" name="ticket" value="${ticket}"><input type="hidden" name="provider" value="${providerName}">`;
  return page({
    status: failure === undefined ? 200 : 400,
    title: 'Choose a user name',
    cookies: visitor.cookies,
    body: html`<p>You have signed in with ${providerName} and have no account here yet.</p>
${failure !== undefined && html`<p role="alert">${failure}</p>`}
<form method="post">${hidden}
<label>User name <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus value="${username}"></label>
<button class="main">Create account</button></form>
<h2>Or use an account that you have</h2>
<form method="post">${hidden}
<label>User name <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button name="do" value="link">Sign in by ${providerName} from now on</button></form>`,
  });
}

function isOwnPage(path: string): boolean {
  return (
    path === manageAccount.path || path.startsWith(`${manageAccount.path}?`) || /^\/oauth2\/(?:authorize|link|sign-in)(?:\?|$)/.test(path)
  );
}
