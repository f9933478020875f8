import type { composeRooms } from './compose-rooms.ts';
import type { Config } from './config/config.ts';
import { createAccountAdmin } from './domain/accounts/account-admin.ts';
import type { AccountData } from './domain/accounts/account-data.ts';
import type { Accounts } from './domain/accounts/create-accounts.ts';
import type { Profiles } from './domain/accounts/profiles.ts';
import { createRegistrationTokens } from './domain/accounts/registration-tokens.ts';
import { userIdForName } from './domain/accounts/user-names.ts';
import { createDestinations } from './domain/federation/destinations.ts';
import type { Reachability } from './domain/federation/outbound/reachability.ts';
import { createRoomOverviews } from './domain/rooms/room-overview.ts';
import { createServerNotices } from './domain/rooms/server-notices.ts';
import { registrationTokenRoutes } from './edge/admin-api/registration-tokens.ts';
import { roomOverviewRoutes } from './edge/admin-api/room-overview.ts';
import { serverAdminRoutes } from './edge/admin-api/server.ts';
import { userAdminRoutes } from './edge/admin-api/users.ts';
import type { Route } from './edge/http/route.ts';
import type { Clock } from './platform/clock.ts';
import type { Random } from './platform/random.ts';
import type { Database } from './storage/database.ts';

type Deps = Awaited<ReturnType<typeof composeRooms>> & {
  config: Config;
  database: Database;
  clock: Clock;
  random: Random;
  accounts: Accounts;
  profiles: Profiles;
  accountData: AccountData;
  reachability: Reachability;
};

/** What an admin does over the network, beside what the specification has: the calls of Synapse's admin API that tools make. */
export async function composeAdmin(deps: Deps): Promise<Route[]> {
  const { config, database, accounts, aliases } = deps;
  const { serverName } = config;
  const ground = { ...deps, pool: database.sql, serverName };
  const accountAdmin = createAccountAdmin({ ...ground, ...accounts });
  const notices = createServerNotices({ ...deps, speaker: await findSpeaker(accounts, config) });
  return [
    ...userAdminRoutes({ ...deps, accountAdmin }),
    ...registrationTokenRoutes(createRegistrationTokens(ground)),
    ...roomOverviewRoutes({ ...deps, overviews: createRoomOverviews(deps), resolveAlias: aliases.resolve }),
    ...serverAdminRoutes({ ...deps, destinations: createDestinations(deps), notices, serverName }),
  ];
}

/** Who speaks for the server. Throws when the account is a person's: the server would speak for somebody else. */
async function findSpeaker(accounts: Accounts, { serverNotices, serverName }: Config) {
  if (serverNotices === undefined) return undefined;
  const userId = userIdForName(serverNotices, serverName);
  const known = await accounts.find(userId);
  if (known !== undefined && (known.passwordHash !== null || known.status === 'deactivated'))
    throw new Error(
      `Nobody can speak for the server as ${userId}: a person has, or had, that account. Choose another BLINKCHAT_SERVER_NOTICES.`,
    );
  if (known !== undefined) return known;
  await accounts.register.createAccount({
    userId,
    passwordHash: undefined,
    byAppservice: true,
    displayName: 'Server notices',
    session: undefined,
  });
  return await accounts.find(userId);
}
