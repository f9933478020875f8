import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import type { Profiles } from '../../domain/accounts/profiles.ts';
import type { RegistrationMode } from '../../domain/accounts/register.ts';
import type { SingleSignOn } from '../../domain/accounts/sso/single-sign-on.ts';
import type { Media } from '../../domain/media/media.ts';
import type { BeginSsoProof } from '../client-api/auth-fallback.ts';
import type { Route } from '../http/route.ts';
import { accountPageRoutes } from './account-page.ts';
import { authorizeRoutes } from './authorize.ts';
import { createBeginUpstream } from './begin-upstream.ts';
import { clientSignInRoutes } from './client-sign-in.ts';
import { linkDeviceRoutes } from './link-device.ts';
import { oauthApiRoutes } from './oauth-api.ts';
import { createSignInForms } from './sign-in-forms.ts';
import { createBeginSsoProof, singleSignOnRoutes } from './single-sign-on.ts';
import { createVisitors } from './visitors.ts';

type Deps = {
  oauth: OAuth;
  accounts: Accounts;
  profiles: Profiles;
  media: Pick<Media, 'upload' | 'thumbnail'>;
  publicUrl: string;
  registration: RegistrationMode;
  /** Absent where there is no other provider to sign in by. */
  sso: SingleSignOn | undefined;
  /** Whether clients that know of OAuth 2.0 and cannot it are to send people to our own page. */
  isOAuthAware: boolean;
};

/** The authorization server: what clients call, and the pages that people see; and how to begin proving oneself by the provider. */
export function oauthRoutes({ publicUrl, ...deps }: Deps): { routes: Route[]; beginSsoProof: BeginSsoProof | undefined } {
  const visitors = createVisitors(deps.oauth.browserSessions, publicUrl);
  const signInForms = createSignInForms({ ...deps, visitors });
  const pages = { ...deps, visitors, signInForms };
  const { sso } = deps;
  const beginUpstream = sso === undefined ? undefined : createBeginUpstream({ sso, visitors });
  const routes = [
    ...oauthApiRoutes(deps.oauth, { publicUrl, canSignUp: deps.registration !== 'closed' }),
    ...authorizeRoutes(pages),
    ...linkDeviceRoutes(pages),
    ...accountPageRoutes(pages),
    ...(sso === undefined || beginUpstream === undefined ? [] : singleSignOnRoutes({ ...pages, publicUrl, sso, beginUpstream })),
    ...(sso === undefined && !deps.isOAuthAware ? [] : clientSignInRoutes({ ...pages, beginUpstream })),
  ];
  return { routes, beginSsoProof: sso === undefined ? undefined : createBeginSsoProof({ sso, visitors }) };
}
