import { redirectToIdP, redirectToSSO } from 'federation-spec/api/client/login.ts';
import {
  beginUpstreamSignIn,
  finishUpstreamSignIn,
  manageAccount,
  submitUpstreamSignIn,
} from 'federation-spec/api/oauth/authorization-server.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import { UpstreamRefusal } from '../../domain/accounts/sso/oidc-provider.ts';
import {
  NameRefusal,
  type SingleSignOn,
  SSO_PROVIDER_ID,
  type SsoArrival,
  type SsoGoal,
} from '../../domain/accounts/sso/single-sign-on.ts';
import { invalidParam, MatrixError, notFound } from '../../platform/matrix-error.ts';
import { donePage } from '../client-api/auth-fallback.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page, seeOther } from '../pages/page.ts';
import { expiredForm } from './expired-form.ts';
import type { Visitor, Visitors } from './visitors.ts';

/** Addresses that a browser would run or show instead of going somewhere. */
const DANGEROUS_SCHEMES = ['javascript:', 'data:', 'vbscript:', 'blob:', 'file:', 'about:', 'view-source:'];
const MAX_URL_CHARACTERS = 4_096;

type Deps = { sso: SingleSignOn; oauth: OAuth; accounts: Accounts; visitors: Visitors; publicUrl: string };

/** Signing in by another provider. https://spec.matrix.org/latest/client-server-api/#client-login-via-sso */
export function singleSignOnRoutes({ sso, oauth, accounts, visitors, publicUrl }: Deps): Route[] {
  async function begin(request: HttpRequest, goal: SsoGoal): Promise<RawResponse> {
    const { cookie, cookies } = await visitors.read(request);
    return await tellRefusal(async () => seeOther(await sso.begin(goal, cookie), cookies));
  }

  async function finish({ account, goal }: Extract<SsoArrival, { kind: 'account' }>): Promise<RawResponse> {
    if (goal.purpose === 'page') return seeOther(goal.target, [visitors.setCookie(await oauth.browserSessions.signIn(account.userNid))]);
    if (goal.purpose === 'proof') {
      if (await sso.prove(goal.target, account.userNid)) return donePage();
      throw new UpstreamRefusal('You signed in as somebody else than who was asked, or too long after.');
    }
    const { loginToken } = await accounts.logIn.createLoginToken(account.userNid);
    const url = new URL(goal.target);
    url.searchParams.append('loginToken', loginToken);
    return url.origin === new URL(publicUrl).origin ? seeOther(url.href) : continuePage(url, account.userId);
  }

  const toClient = (request: HttpRequest, redirectUrl: string) =>
    begin(request, { purpose: 'client', target: checkRedirectUrl(redirectUrl) });

  return [
    route(redirectToSSO, ({ query, request }) => toClient(request, query.redirectUrl)),
    route(redirectToIdP, async ({ params, query, request }) => {
      if (params.idpId !== SSO_PROVIDER_ID) throw notFound(`There is no sign-in provider ${params.idpId}`);
      return await toClient(request, query.redirectUrl);
    }),
    route(beginUpstreamSignIn, async ({ query, request }) => {
      if (!isOwnPage(query.back)) throw invalidParam('back must be one of our pages');
      return await begin(request, { purpose: 'page', target: query.back });
    }),
    route(finishUpstreamSignIn, async ({ query, request }) => {
      const visitor = await visitors.read(request);
      return await tellRefusal(async () => {
        const { state, code, error_description: reason, error = reason } = query;
        if (state === undefined || code === undefined)
          throw new UpstreamRefusal(`The sign-in provider did not let you in (${error ?? 'no reason'}).`);
        const arrival = await sso.arrive({ state, code }, visitor.cookie);
        return arrival.kind === 'account'
          ? await finish(arrival)
          : namePage(visitor, sso.name, { ...arrival, username: arrival.suggestion });
      });
    }),
    route(submitUpstreamSignIn, async ({ request }) => {
      const visitor = await visitors.read(request);
      const form = await visitors.readForm(request, visitor);
      if (form === undefined) return expiredForm(manageAccount.path);
      const username = (form['username'] ?? '').trim();
      return await tellRefusal(async () => {
        try {
          return await finish(await sso.chooseName(form['ticket'] ?? '', username, visitor.cookie));
        } catch (error) {
          if (error instanceof NameRefusal) return namePage(visitor, sso.name, { ticket: error.ticket, username, failure: error.message });
          throw error;
        }
      });
    }),
  ];
}

/** Sends a person to the provider for a session that asks for proof. */
export function createBeginSsoProof({ sso, visitors }: Pick<Deps, 'sso' | 'visitors'>) {
  return async function beginSsoProof(request: HttpRequest, sessionId: string): Promise<RawResponse> {
    const { cookie, cookies } = await visitors.read(request);
    return await tellRefusal(async () => seeOther(await sso.begin({ purpose: 'proof', target: sessionId }, cookie), cookies));
  };
}

/** Anybody can send people here with any address to go on to, so they see where it leads before the token goes there. */
function continuePage(url: URL, userId: string): RawResponse {
  const place = url.host === '' ? `the app that opens ${url.protocol}` : url.host;
  return page({
    title: 'Continue?',
    body: html`<p>You are signed in as <strong>${userId}</strong>. <strong>${place}</strong> wants to use your account.</p>
<p class="soft">Go on only if you came from there.</p><a class="button" href="${url.href}">Continue</a>`,
  });
}

function namePage(
  visitor: Visitor,
  providerName: string,
  { ticket, username, failure }: { ticket: string; username: string; failure?: string },
): RawResponse {
  return page({
    status: failure === undefined ? 200 : 400,
    title: 'Choose a user name',
    cookies: visitor.cookies,
    body: html`<p>You have signed in with ${providerName} and have no account here yet.</p>
${failure !== undefined && html`<p role="alert">${failure}</p>`}
<form method="post">${visitor.formToken}<input type="hidden" name="ticket" value="${ticket}">
<label>User name <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus value="${username}"></label>
<button class="main">Create account</button></form>`,
  });
}

function checkRedirectUrl(redirectUrl: string): string {
  const url = redirectUrl.length > MAX_URL_CHARACTERS ? null : URL.parse(redirectUrl);
  if (url === null || DANGEROUS_SCHEMES.includes(url.protocol))
    throw invalidParam('redirectUrl is no address that a browser can be sent to');
  return redirectUrl;
}

function isOwnPage(path: string): boolean {
  return path === manageAccount.path || path.startsWith(`${manageAccount.path}?`) || /^\/oauth2\/(?:authorize|link)(?:\?|$)/.test(path);
}

async function tellRefusal(work: () => Promise<RawResponse>): Promise<RawResponse> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UpstreamRefusal) && !(error instanceof MatrixError)) throw error;
    return page({ status: 403, title: 'Signing in did not work', body: html`<p role="alert">${error.message}</p>` });
  }
}
