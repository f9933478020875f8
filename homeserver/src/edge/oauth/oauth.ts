import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import type { Profiles } from '../../domain/accounts/profiles.ts';
import type { RegistrationMode } from '../../domain/accounts/register.ts';
import type { SingleSignOn } from '../../domain/accounts/sso/single-sign-on.ts';
import type { BeginSsoProof } from '../client-api/auth-fallback.ts';
import type { Route } from '../http/route.ts';
import { accountPageRoutes } from './account-page.ts';
import { authorizeRoutes } from './authorize.ts';
import { linkDeviceRoutes } from './link-device.ts';
import { oauthApiRoutes } from './oauth-api.ts';
import { createSignInForms } from './sign-in-forms.ts';
import { createBeginSsoProof, singleSignOnRoutes } from './single-sign-on.ts';
import { createVisitors } from './visitors.ts';

type Deps = {
  oauth: OAuth;
  accounts: Accounts;
  profiles: Profiles;
  publicUrl: string;
  registration: RegistrationMode;
  /** Absent where there is no other provider to sign in by. */
  sso: SingleSignOn | undefined;
};

/** The authorization server: what clients call, and the pages that people see; and how to begin proving oneself by the provider. */
export function oauthRoutes({ publicUrl, ...deps }: Deps): { routes: Route[]; beginSsoProof: BeginSsoProof | undefined } {
  const visitors = createVisitors(deps.oauth.browserSessions, publicUrl);
  const signInForms = createSignInForms({ ...deps, visitors });
  const pages = { ...deps, visitors, signInForms };
  const { sso } = deps;
  const routes = [
    ...oauthApiRoutes(deps.oauth, { publicUrl, canSignUp: deps.registration !== 'closed' }),
    ...authorizeRoutes(pages),
    ...linkDeviceRoutes(pages),
    ...accountPageRoutes(pages),
    ...(sso === undefined ? [] : singleSignOnRoutes({ ...pages, publicUrl, sso })),
  ];
  return { routes, beginSsoProof: sso === undefined ? undefined : createBeginSsoProof({ sso, visitors }) };
}
