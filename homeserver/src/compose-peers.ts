import type { Config } from './config/config.ts';
import { createCircuitBreaker } from './domain/federation/circuit-breaker.ts';
import { createDeviceQueries } from './domain/federation/device-queries.ts';
import { createDiscoverServer } from './domain/federation/discovery/discover-server.ts';
import { createFetchWellKnown } from './domain/federation/discovery/fetch-well-known.ts';
import { createFederationClient, withBreaker } from './domain/federation/federation-client.ts';
import { createAskNotaries } from './domain/federation/keys/ask-notaries.ts';
import { createNotary } from './domain/federation/keys/notary.ts';
import { createListOwnKeys, type OldKey } from './domain/federation/keys/own-keys.ts';
import { createServerKeyring } from './domain/federation/keys/server-keys.ts';
import { createKindredServers } from './domain/federation/kindred-servers.ts';
import { createReachability } from './domain/federation/outbound/reachability.ts';
import { createPeerPolicy } from './domain/federation/peer-policy.ts';
import { createRemoteQueries } from './domain/federation/remote-queries.ts';
import type { EventSigner } from './domain/rooms/prepare-event.ts';
import type { Clock } from './platform/clock.ts';
import { createAddressGuard } from './platform/http-client/address-guard.ts';
import { createHttpClient, USER_AGENT } from './platform/http-client/http-client.ts';
import { readExtraCa } from './platform/http-client/read-ca.ts';
import type { Logger } from './platform/logger.ts';
import type { Random } from './platform/random.ts';
import { createResolveSrv } from './platform/resolve-srv.ts';
import type { Database } from './storage/database.ts';

type Deps = {
  config: Config;
  database: Database;
  clock: Clock;
  random: Random;
  logger: Logger;
  signer: EventSigner;
  oldKeys: readonly OldKey[];
  /** The local address that others are called from. */
  callsFrom?: string | undefined;
};

/** How this server talks to others: it finds them, proves who it is, and knows their keys. */
export async function composePeers({ config, database, clock, random, logger, signer, oldKeys, callsFrom }: Deps) {
  const http = createHttpClient({
    guard: createAddressGuard(config.outboundAllow),
    extraCa: await readExtraCa(config.outboundCa),
    verifyTls: config.outboundTlsVerify,
    callsFrom,
  });
  if (!config.outboundTlsVerify)
    logger.warn('certificates of other servers are not checked (BLINKCHAT_OUTBOUND_TLS_VERIFY): for tests only');
  const mayFederate = createPeerPolicy(config.federation, config.serverName);
  const discover = createDiscoverServer({
    fetchWellKnown: createFetchWellKnown({ http, clock }),
    resolveSrv: createResolveSrv(random),
    clock,
  });
  const sender = createFederationClient({ http, discover, signer, mayFederate });
  const reachability = await createReachability({ database, clock, random, logger });
  const breaker = createCircuitBreaker({ reachability, clock, random });
  const client = withBreaker(sender, breaker);
  const notaries = config.keyNotaries;
  const askNotaries = createAskNotaries({ client, notaries, clock, logger });
  const keyring = createServerKeyring({ database, client, signer, oldKeys, notaries, askNotaries, clock, logger });
  const listOwnKeys = createListOwnKeys({ signer, oldKeys, clock });
  return {
    http,
    client,
    /** For transactions, which know themselves when a server is to be tried. */
    sender,
    reachability,
    kindred: createKindredServers(USER_AGENT),
    isUnreachable: breaker.isOpen,
    keyring,
    mayFederate,
    listOwnKeys,
    askNotary: createNotary({ database, keyring, listOwnKeys, signer, clock }),
    queries: createRemoteQueries(client),
    deviceQueries: createDeviceQueries(client),
    close: http.close,
  };
}

export type Peers = Awaited<ReturnType<typeof composePeers>>;
