import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import type { RegistrationMode } from '../../domain/accounts/register.ts';
import type { SingleSignOn } from '../../domain/accounts/sso/single-sign-on.ts';
import type { HttpRequest } from '../http/http-request.ts';
import type { Html } from '../pages/html.ts';
import type { Visitor, Visitors } from './visitors.ts';

export type SignInDeps = {
  accounts: Accounts;
  oauth: OAuth;
  visitors: Visitors;
  registration: RegistrationMode;
  sso: SingleSignOn | undefined;
};

/** A page that somebody must sign in for, or make an account for. */
export type SignInPlace = {
  request: HttpRequest;
  visitor: Visitor;
  /** Why: what comes after. */
  reason: Html;
  loginHint?: string | undefined;
  /** Whether an account may be made here; `asked` shows that form first. */
  newAccount?: 'no' | 'offered' | 'asked';
};
