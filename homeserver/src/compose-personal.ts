import { createAccountData, createListAccountData } from './domain/accounts/account-data.ts';
import { createFilters } from './domain/accounts/filters.ts';
import { createFollowUpgrade } from './domain/accounts/follow-upgrade.ts';
import { createListIgnored } from './domain/accounts/ignored-users.ts';
import { createOpenIdTokens } from './domain/accounts/openid-tokens.ts';
import { createProfiles, type QueryRemoteProfile, type SpreadProfile } from './domain/accounts/profiles.ts';
import { createPushRules, describePushRules } from './domain/accounts/push-rules.ts';
import type { Log } from './domain/streams/log.ts';
import type { Notifier } from './domain/streams/notifier.ts';
import { accountDataRoutes } from './edge/client-api/account-data.ts';
import { filterRoutes } from './edge/client-api/filters.ts';
import { openIdRoute } from './edge/client-api/openid.ts';
import { profileRoutes } from './edge/client-api/profile.ts';
import { pushRuleRoutes } from './edge/client-api/push-rules.ts';
import type { Route } from './edge/http/route.ts';
import type { Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import type { Random } from './platform/random.ts';
import type { Pool } from './storage/database.ts';

type Deps = {
  pool: Pool;
  log: Log;
  notifier: Notifier;
  clock: Clock;
  random: Random;
  logger: Logger;
  serverName: string;
  queryRemoteProfile: QueryRemoteProfile;
  spreadProfile: SpreadProfile;
  askForUser: (userId: string) => Promise<boolean>;
};

/** What people keep on the server: profiles, account data, push rules, filters. */
export function composePersonal(deps: Deps) {
  const accountData = createAccountData(deps);
  const pushRules = createPushRules({ pool: deps.pool, accountData });
  const profiles = createProfiles(deps);
  const filters = createFilters(deps);
  const openIdTokens = createOpenIdTokens(deps);
  const routes: Route[] = [
    ...accountDataRoutes(accountData),
    ...pushRuleRoutes(pushRules),
    ...profileRoutes(profiles),
    ...filterRoutes(filters),
    openIdRoute(openIdTokens, deps),
  ];
  return {
    accountData,
    listAccountData: createListAccountData({ ...deps, describePushRules }),
    listIgnored: createListIgnored(deps),
    pushRules,
    followUpgrade: createFollowUpgrade({ accountData, pushRules }),
    profiles,
    filters,
    openIdTokens,
    routes,
  };
}
