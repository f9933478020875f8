import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import type { Profiles } from '../../domain/accounts/profiles.ts';
import type { RegistrationMode } from '../../domain/accounts/register.ts';
import type { Route } from '../http/route.ts';
import { accountPageRoutes } from './account-page.ts';
import { authorizeRoutes } from './authorize.ts';
import { linkDeviceRoutes } from './link-device.ts';
import { oauthApiRoutes } from './oauth-api.ts';
import { createSignInForms } from './sign-in-forms.ts';
import { createVisitors } from './visitors.ts';

type Deps = { oauth: OAuth; accounts: Accounts; profiles: Profiles; publicUrl: string; registration: RegistrationMode };

/** The authorization server: what clients call, and the pages that people see. */
export function oauthRoutes({ publicUrl, ...deps }: Deps): Route[] {
  const visitors = createVisitors(deps.oauth.browserSessions, publicUrl);
  const signInForms = createSignInForms({ ...deps, visitors });
  const pages = { ...deps, visitors, signInForms };
  return [
    ...oauthApiRoutes(deps.oauth, { publicUrl, canSignUp: deps.registration !== 'closed' }),
    ...authorizeRoutes(pages),
    ...linkDeviceRoutes(pages),
    ...accountPageRoutes(pages),
  ];
}
