import { manageAccount } from 'federation-spec/api/oauth/authorization-server.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import type { Accounts } from './domain/accounts/create-accounts.ts';
import { createOAuth } from './domain/accounts/oauth/create-oauth.ts';
import type { Profiles } from './domain/accounts/profiles.ts';
import { createRendezvousSessions } from './domain/accounts/rendezvous.ts';
import type { SingleSignOn } from './domain/accounts/sso/single-sign-on.ts';
import type { Media } from './domain/media/media.ts';
import { rendezvousRoutes } from './edge/client-api/rendezvous.ts';
import { oauthRoutes } from './edge/oauth/oauth.ts';
import type { Clock } from './platform/clock.ts';
import type { Random } from './platform/random.ts';
import type { Pool } from './storage/database.ts';

type Deps = {
  config: Config;
  secrets: Secrets;
  pool: Pool;
  clock: Clock;
  random: Random;
  accounts: Accounts;
  profiles: Profiles;
  media: Media;
  sso: SingleSignOn | undefined;
};

/** The homeserver as its own OAuth 2.0 authorization server, and the places where devices meet that let each other in. */
export function composeOAuth({ config, secrets, ...deps }: Deps) {
  const { publicUrl, registration } = config;
  const resetUrl = `${publicUrl}${manageAccount.path}?action=org.matrix.cross_signing_reset`;
  const oauth = createOAuth({ ...deps, pepper: secrets.pepper, resetUrl });
  const sessions = createRendezvousSessions(deps);
  const { routes: pages, beginSsoProof } = oauthRoutes({ ...deps, oauth, publicUrl, registration, isOAuthAware: config.oauthAware });
  const routes = [...pages, ...rendezvousRoutes({ ...deps, sessions, publicUrl })];
  return { ...oauth, routes, beginSsoProof };
}
