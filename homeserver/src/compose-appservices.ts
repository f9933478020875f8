import type { composeRooms, composeStreams } from './compose-rooms.ts';
import type { Config } from './config/config.ts';
import { readRegistrations } from './config/read-registrations.ts';
import type { AccountOwner } from './domain/accounts/appservice-accounts.ts';
import type { Accounts } from './domain/accounts/create-accounts.ts';
import { createAliasKeepers } from './domain/appservices/alias-keepers.ts';
import { ownsUser } from './domain/appservices/appservice.ts';
import { createCallAppservice } from './domain/appservices/appservice-client.ts';
import { createAskAppservices } from './domain/appservices/ask.ts';
import { createAskKeys } from './domain/appservices/ask-keys.ts';
import { createAppservices } from './domain/appservices/create-appservices.ts';
import { ensureSenders } from './domain/appservices/ensure-senders.ts';
import { createPing } from './domain/appservices/ping.ts';
import { createRegistry } from './domain/appservices/registry.ts';
import { createThirdPartyNetworks } from './domain/appservices/third-party-networks.ts';
import { createListByAppservice } from './domain/directory/appservice-directory.ts';
import type { E2ee } from './domain/e2ee/create-e2ee.ts';
import type { Ephemeral } from './domain/ephemeral/create-ephemeral.ts';
import { appserviceRoutes } from './edge/client-api/appservices.ts';
import { thirdPartyNetworkRoutes } from './edge/client-api/third-party-networks.ts';
import type { Authenticate } from './edge/http/requester.ts';
import type { Route } from './edge/http/route.ts';
import type { Clock } from './platform/clock.ts';
import { createHttpClient } from './platform/http-client/http-client.ts';
import { readExtraCa } from './platform/http-client/read-ca.ts';
import type { Logger } from './platform/logger.ts';
import type { Database } from './storage/database.ts';

/** Who the application services are, and asking them: what accounts, rooms and the edge need of them. */
export async function composeAppserviceGround({ config, logger }: { config: Config; logger: Logger }) {
  const registry = createRegistry(await readRegistrations(config.appservices, config.serverName));
  const http = createHttpClient({ extraCa: await readExtraCa(config.outboundCa), verifyTls: config.outboundTlsVerify });
  const call = createCallAppservice(http);
  const ask = createAskAppservices({ registry, call, serverName: config.serverName, logger });

  let seen = (_appserviceId: string): void => undefined;
  const findOwner = (token: string): AccountOwner | undefined => {
    const appservice = registry.findByToken(token);
    if (appservice === undefined) return undefined;
    const { id, senderId, rateLimited } = appservice;
    return { id, asToken: token, senderId, rateLimited, ownsUser: (userId) => ownsUser(appservice, userId) };
  };

  return {
    registry,
    call,
    ask,
    askKeys: createAskKeys({ registry, call, logger }),
    aliasKeepers: createAliasKeepers(registry, ask),
    findOwner,
    isUnlimited: (token: string) => registry.findByToken(token)?.rateLimited === false,
    ensureSenders: (accounts: Accounts) =>
      ensureSenders(registry.list, accounts.find, (userId) =>
        accounts.register.createAccount({ userId, passwordHash: undefined, byAppservice: true, session: undefined }),
      ),
    /** A token is an application service's, or else a device's. */
    authenticateWith:
      (accounts: Accounts): Authenticate =>
      (credentials) => {
        const owner = findOwner(credentials.accessToken);
        if (owner === undefined) return accounts.authenticate(credentials);
        seen(owner.id);
        return accounts.appservices.actAs(owner, { userId: credentials.assertedUserId, deviceId: credentials.assertedDeviceId });
      },
    /** Sets what is called when a service has called us. */
    onSeen: (listener: (appserviceId: string) => void) => {
      seen = listener;
    },
    close: http.close,
  };
}

export type AppserviceGround = Awaited<ReturnType<typeof composeAppserviceGround>>;

type Deps = AppserviceGround &
  Awaited<ReturnType<typeof composeStreams>> &
  Pick<Awaited<ReturnType<typeof composeRooms>>, 'renderEvents' | 'rooms'> & {
    database: Database;
    clock: Clock;
    logger: Logger;
    ephemeral: Pick<Ephemeral, 'volatileNow' | 'typing' | 'presence'>;
    e2ee: Pick<E2ee, 'forSync' | 'onKeyCountsChange'>;
  };

/** Telling application services what concerns them. */
export async function composeAppservices({ ephemeral, e2ee, ...deps }: Deps) {
  const appservices = await createAppservices({
    ...deps,
    sources: {
      volatileNow: ephemeral.volatileNow,
      listTyping: ephemeral.typing.listChangedSince,
      listPresence: ephemeral.presence.listChangedSince,
      countKeys: e2ee.forSync.countKeys,
    },
  });
  e2ee.onKeyCountsChange(appservices.keysTaken);
  deps.onSeen(appservices.sawAppservice);
  const routes: Route[] = [
    ...appserviceRoutes({ ping: createPing(deps), listByAppservice: createListByAppservice(deps), nidOf: appservices.nidOf }),
    ...thirdPartyNetworkRoutes(createThirdPartyNetworks(deps)),
  ];
  return { ...appservices, routes };
}
