import { beginUpstreamSignIn } from 'federation-spec/api/oauth/authorization-server.ts';
import { MatrixError } from '../../platform/matrix-error.ts';
import { isLoopback } from '../client-api/is-loopback.ts';
import type { RawResponse } from '../http/route.ts';
import { html } from '../pages/html.ts';
import { page, seeOther } from '../pages/page.ts';
import type { SignInDeps, SignInPlace } from './sign-in-place.ts';
import { createSignUpForms } from './sign-up-forms.ts';

export type SignInForms = {
  show(place: SignInPlace): RawResponse;
  /** Takes what one of these forms sent; undefined when it is another form's. */
  submit(place: SignInPlace, form: Readonly<Record<string, string>>): Promise<RawResponse | undefined>;
};

type Failure = { message: string; username: string };

/** Signing in to our own pages, and out. */
export function createSignInForms(deps: SignInDeps): SignInForms {
  const { accounts, oauth, visitors, registration, sso } = deps;
  const signUpForms = createSignUpForms(deps);

  function showSignIn(place: SignInPlace, failure?: Failure): RawResponse {
    const { visitor, reason, request, newAccount = 'no' } = place;
    const other =
      newAccount === 'no' || registration === 'closed'
        ? undefined
        : html`<p>No account yet? <a href="${withPrompt(request.url, 'create')}">Create one</a></p>`;
    return page({
      status: failure === undefined ? 200 : 403,
      title: 'Sign in',
      cookies: visitor.cookies,
      body: html`<p>${reason}</p>
${failure !== undefined && html`<p role="alert">${failure.message}</p>`}
<form method="post">${visitor.formToken}
<label>User name or e-mail address
<input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus value="${failure?.username ?? place.loginHint ?? ''}"></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<button class="main" name="do" value="sign-in">Sign in</button>
</form>${(sso?.providers ?? []).map(({ id, name }) => html`<a class="button" href="${beginUpstreamSignIn.path}?${new URLSearchParams({ provider: id, back: withPrompt(request.url, undefined) }).toString()}">Continue with ${name}</a>`)}${other}`,
    });
  }

  async function signIn(place: SignInPlace, form: Readonly<Record<string, string>>): Promise<RawResponse> {
    const username = (form['username'] ?? '').trim();
    const isAddress = username.includes('@') && !username.startsWith('@');
    try {
      const identifier = isAddress ? ({ kind: 'email', address: username } as const) : ({ kind: 'user', user: username } as const);
      const account = await accounts.logIn.verify(identifier, form['password'] ?? '');
      return seeOther(withPrompt(place.request.url, undefined), [visitors.setCookie(await oauth.browserSessions.signIn(account.userNid))]);
    } catch (error) {
      if (error instanceof MatrixError) return showSignIn(place, { message: error.message, username });
      throw error;
    }
  }

  return {
    show(place) {
      const wantsAccount = place.newAccount === 'asked' && registration !== 'closed';
      return wantsAccount ? signUpForms.show({ ...place, signInUrl: withPrompt(place.request.url, undefined) }) : showSignIn(place);
    },
    async submit(place, form) {
      const wanted = form['do'];
      if (wanted === 'sign-in') return await signIn(place, form);
      if (wanted === 'sign-out') {
        await oauth.browserSessions.signOut(place.visitor.cookie);
        return seeOther(place.request.url, [visitors.setCookie(oauth.browserSessions.newCookie())]);
      }
      if (place.newAccount === undefined || place.newAccount === 'no' || registration === 'closed') return undefined;
      const signInUrl = withPrompt(place.request.url, undefined);
      const outcome = await signUpForms.submit({ ...place, signInUrl, isLoopback: isLoopback(place.request.ip) }, form);
      if (outcome === undefined || 'kind' in outcome) return outcome;
      const account = await accounts.find(outcome.userId);
      if (account === undefined) throw new Error(`the account ${outcome.userId} was made and is not there`);
      return seeOther(signInUrl, [visitors.setCookie(await oauth.browserSessions.signIn(account.userNid))]);
    },
  };
}

/** Path and query of a page, asking for another `prompt`. */
function withPrompt(url: string, prompt: string | undefined): string {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.delete('prompt');
  if (prompt !== undefined) parameters.set('prompt', prompt);
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}
