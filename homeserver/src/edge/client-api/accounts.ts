import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { SignInProvider } from '../../domain/accounts/sso/single-sign-on.ts';
import type { Route } from '../http/route.ts';
import { accountRoutes } from './account.ts';
import { accountModerationRoutes } from './account-moderation.ts';
import { authFallbackRoutes, type BeginSsoProof } from './auth-fallback.ts';
import { deviceRoutes } from './devices.ts';
import { emailValidationRoutes } from './email-validation.ts';
import { loginRoutes } from './login.ts';
import { loginFallbackRoute } from './login-fallback.ts';
import { registerRoutes } from './register.ts';
import { sharedSecretRegistrationRoutes } from './shared-secret-registration.ts';
import { thirdPartyIdentifierRoutes } from './third-party-identifiers.ts';
import { whoisRoute } from './whois.ts';

/** Everything about accounts that a client can ask for. */
export function accountsRoutes(
  accounts: Accounts,
  names: {
    serverName: string;
    publicUrl: string;
    providers: readonly SignInProvider[];
    oauthAware: boolean;
    beginSsoProof: BeginSsoProof | undefined;
  },
): Route[] {
  const { sharedSecretRegistration } = accounts;
  return [
    ...registerRoutes(accounts, names),
    ...loginRoutes(accounts, names),
    ...accountRoutes(accounts, names),
    ...deviceRoutes(accounts),
    ...thirdPartyIdentifierRoutes(accounts, names),
    ...emailValidationRoutes(accounts.emailValidations),
    ...authFallbackRoutes(accounts.uiaFallback, names.beginSsoProof),
    loginFallbackRoute(names),
    ...accountModerationRoutes(accounts, names),
    whoisRoute(accounts, names),
    ...(sharedSecretRegistration === undefined ? [] : sharedSecretRegistrationRoutes(sharedSecretRegistration, names)),
  ];
}
