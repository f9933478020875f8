import type { SingleSignOn } from '../../domain/accounts/sso/single-sign-on.ts';
import { notFound } from '../../platform/matrix-error.ts';
import { type Html, html } from '../pages/html.ts';
import { SIGN_IN_ACTION } from './account-actions.ts';
import {
  type AccountSection,
  type AccountSectionDeps,
  type AccountVisit,
  checkPresence,
  type Form,
  passwordField,
} from './account-section.ts';

/** By which providers somebody signs in. */
export function signInSection({ accounts, sso }: AccountSectionDeps, { visitor, signedIn }: AccountVisit): AccountSection {
  const { account } = signedIn;

  async function link(providers: SingleSignOn, form: Form) {
    const providerId = form['provider'] ?? '';
    const provider = providers.providers.find(({ id }) => id === providerId);
    if (provider === undefined) throw notFound('There is no such sign-in provider.');
    const url = await providers.begin({ purpose: 'link', target: String(account.userNid) }, visitor.cookie, { providerId });
    // A form may not end up elsewhere, so the last step is a link.
    return { said: `Go on at ${provider.name}.`, more: html`<p><a class="button" href="${url}">Continue to ${provider.name}</a></p>` };
  }

  return {
    action: SIGN_IN_ACTION,
    async show(formToken) {
      if (sso === undefined)
        return { title: 'Signing in', body: html`<p>You sign in with your password. There is no other way on this server.</p>` };
      const identities = await sso.listIdentities(account.userNid);
      const item = ({ issuer, subject, providerName }: (typeof identities)[number]) =>
        html`<li><strong>${providerName ?? issuer}</strong><br><small>${subject}</small>
<details><summary>Unlink</summary><form method="post">${formToken}<input type="hidden" name="identity" value="${issuer} ${subject}">${passwordField(signedIn)}
<button class="bad" name="do" value="unlink">Unlink it</button></form></details></li>`;
      const linkForm = ({
        id,
        name,
      }: (typeof sso.providers)[number]): Html => html`<form method="post">${formToken}<input type="hidden" name="provider" value="${id}">${passwordField(signedIn)}
<button name="do" value="link">Link ${name}</button></form>`;
      return {
        title: 'Signing in',
        body: html`${identities.length === 0 ? html`<p>You sign in with your password only.</p>` : html`<ul>${identities.map(item)}</ul>`}
<h2>Sign in another way, too</h2>${sso.providers.map(linkForm)}`,
      };
    },
    async act(form) {
      if (sso === undefined) return { said: 'Nothing was changed.' };
      await checkPresence(accounts, signedIn, form);
      if (form['do'] === 'link') return await link(sso, form);
      if (form['do'] !== 'unlink') return { said: 'Nothing was changed.' };
      const identity = form['identity'] ?? '';
      const at = identity.indexOf(' ');
      await sso.unlink(account, { issuer: identity.slice(0, at), subject: identity.slice(at + 1) });
      return { said: 'It is unlinked.' };
    },
  };
}
