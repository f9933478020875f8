import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { SignedIn } from '../../domain/accounts/oauth/browser-sessions.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import type { Profiles } from '../../domain/accounts/profiles.ts';
import type { SingleSignOn } from '../../domain/accounts/sso/single-sign-on.ts';
import type { Media } from '../../domain/media/media.ts';
import { forbidden } from '../../platform/matrix-error.ts';
import { type Html, html } from '../pages/html.ts';
import type { AccountAction } from './account-actions.ts';
import type { UploadedFile } from './upload-form.ts';
import type { Visitor } from './visitors.ts';

export type Form = Readonly<Record<string, string>>;
/** What came of a form: what is said, and the section to show after it; or that there is nobody any more to show one to. */
export type Done = { said: string; isGone?: boolean; next?: AccountSection; more?: Html };

/** One part of the account page: what it shows, and what its form does. Refusals are thrown as MatrixError. */
export type AccountSection = {
  action: AccountAction;
  show(formToken: Html): Promise<{ title: string; body: Html }>;
  act(form: Form, file?: UploadedFile): Promise<Done>;
};

export type AccountSectionDeps = {
  oauth: OAuth;
  accounts: Accounts;
  profiles: Profiles;
  media: Pick<Media, 'upload' | 'thumbnail'>;
  sso: SingleSignOn | undefined;
};

/** Whoever looks after their account, and from where the request came. */
export type AccountVisit = { visitor: Visitor; signedIn: SignedIn; isLoopback: boolean };

/** Grave things ask for the password once more; who has none must have signed in just now. */
export async function checkPresence({ logIn }: Accounts, { account, isRecent }: SignedIn, form: Form): Promise<void> {
  if (account.passwordHash !== null) await logIn.verify({ kind: 'user', user: account.userId }, form['password'] ?? '');
  else if (!isRecent) throw forbidden('You signed in some time ago. Sign out of this page, sign in again, and then go on here.');
}

export function passwordField({ account }: SignedIn): Html {
  if (account.passwordHash === null) return html``;
  return html`<label>Your password <input name="password" type="password" autocomplete="current-password" required></label>`;
}
