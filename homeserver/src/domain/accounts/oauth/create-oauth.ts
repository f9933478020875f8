import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import type { Pool } from '../../../storage/database.ts';
import type { Accounts } from '../create-accounts.ts';
import { type Authorizations, createAuthorizations } from './authorizations.ts';
import { type BrowserSessions, createBrowserSessions } from './browser-sessions.ts';
import { createOAuthClients, type OAuthClients } from './clients.ts';
import { type CrossSigningReset, createCrossSigningReset } from './cross-signing-reset.ts';
import { createDeviceGrants, type DeviceGrants } from './device-grants.ts';
import { createSignUp, type SignUp } from './sign-up.ts';
import { createOAuthTokens, type OAuthTokens } from './tokens.ts';

/** The homeserver as an OAuth 2.0 authorization server: https://spec.matrix.org/latest/client-server-api/#oauth-20-api */
export type OAuth = {
  clients: OAuthClients;
  authorizations: Authorizations;
  deviceGrants: DeviceGrants;
  tokens: OAuthTokens;
  browserSessions: BrowserSessions;
  crossSigningReset: CrossSigningReset;
  signUp: SignUp;
};

type Deps = { pool: Pool; clock: Clock; random: Random; pepper: Uint8Array; accounts: Accounts; resetUrl: string };

export function createOAuth({ accounts, ...deps }: Deps): OAuth {
  const clients = createOAuthClients(deps);
  return {
    clients,
    authorizations: createAuthorizations({ ...deps, clients }),
    deviceGrants: createDeviceGrants({ ...deps, clients }),
    tokens: createOAuthTokens({ ...deps, ...accounts, clients }),
    browserSessions: createBrowserSessions(deps),
    crossSigningReset: createCrossSigningReset({ ...deps, ...accounts }),
    signUp: createSignUp(accounts),
  };
}
