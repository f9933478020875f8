import { mkdir } from 'node:fs/promises';
import type { Agent } from 'node:https';
import { ROOM_VERSIONS } from 'federation-spec/room-versions/room-versions.ts';
import { composeAccounts } from './compose-accounts.ts';
import { composeAdmin } from './compose-admin.ts';
import { composeAppserviceGround, composeAppservices } from './compose-appservices.ts';
import { composeEdge } from './compose-edge.ts';
import { composeEphemeral } from './compose-ephemeral.ts';
import { composeFederation } from './compose-federation.ts';
import { composeIdentity } from './compose-identity.ts';
import { composeMedia } from './compose-media.ts';
import { composeOAuth } from './compose-oauth.ts';
import { composePeers } from './compose-peers.ts';
import { composePersonal } from './compose-personal.ts';
import { composePush } from './compose-push.ts';
import { composeRoomAdmin } from './compose-room-admin.ts';
import { composeRooms, composeStreams } from './compose-rooms.ts';
import { composeSearch } from './compose-search.ts';
import { composeSignUp } from './compose-sign-up.ts';
import { composeSingleSignOn } from './compose-single-sign-on.ts';
import { composeSync } from './compose-sync.ts';
import type { Config } from './config/config.ts';
import { loadSecrets } from './config/secrets.ts';
import { welcomeAccount } from './domain/accounts/profiles.ts';
import { createE2ee } from './domain/e2ee/create-e2ee.ts';
import { createOwedMessages } from './domain/e2ee/owed-messages.ts';
import { createFetchMedia } from './domain/federation/fetch-media.ts';
import { createEduHandlers, e2eeEduHandlers } from './domain/federation/inbound/edu-handlers.ts';
import { createLateNetwork } from './domain/rooms/late-network.ts';
import { accountsRoutes } from './edge/client-api/accounts.ts';
import { capabilitiesRoute } from './edge/client-api/capabilities.ts';
import { dehydratedDeviceRoutes } from './edge/client-api/dehydrated-devices.ts';
import { keyBackupRoutes } from './edge/client-api/key-backup.ts';
import { keyRoutes } from './edge/client-api/keys.ts';
import { livekitTransports, rtcRoute } from './edge/client-api/rtc.ts';
import { turnServerRoute } from './edge/client-api/turn-server.ts';
import { versionsRoute } from './edge/client-api/versions.ts';
import type { OnAnswer } from './edge/http/request-log.ts';
import type { Route } from './edge/http/route.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { createClosers } from './platform/closers.ts';
import { createLogger, type Logger } from './platform/logger.ts';
import { createMetrics } from './platform/metrics.ts';
import { type Random, systemRandom } from './platform/random.ts';
import { openDatabase } from './storage/open-database.ts';

export type Server = AsyncDisposable & {
  /** Where it listens: the public URL when the port is the configured one. */
  url: string;
  port: number;
  tlsPort: number | undefined;
  /** What it serves beside its pages. */
  routes: readonly Route[];
  /** One round of what is done every few minutes to keep the store of files small. */
  tendMedia: () => Promise<void>;
  /** Answers what it acknowledged, then closes everything it opened. */
  stop(): Promise<void>;
};

/** What a test may replace. */
export type Surroundings = {
  clock?: Clock;
  random?: Random;
  logger?: Logger;
  /** Another way to Firebase. */
  fcmAgent?: Agent;
  /** The local address from which other servers are called. */
  callsFrom?: string;
  /** Told of every SQL statement. */
  onQuery?: (query: string) => void;
  /** Told of answers that are not what their endpoint promises. */
  onBadResponse?: (operation: string, fault: string) => void;
  /** Told of each request that was answered: by which operation, with what status. */
  onAnswer?: OnAnswer;
  /** Called when the server cannot go on, such as after losing its database to another process. */
  onFatal?: (error: Error) => void;
};

/**
 * Puts the homeserver together and starts it: the one place that knows everyone. It resolves once requests are served.
 *
 * @throws when a setting does not fit this machine or database: the message says which, and what to do
 */
export async function createServer(config: Config, surroundings: Surroundings = {}): Promise<Server> {
  const { clock = systemClock, random = systemRandom, logger = createLogger(config.logLevel) } = surroundings;
  const metrics = createMetrics();
  const closers = createClosers();
  const onFatal = surroundings.onFatal ?? ((error) => logger.fatal({ err: error }, 'the server cannot go on'));
  let stopping: Promise<void> | undefined;

  try {
    // Ground: the data folder, its secrets, the database.
    await mkdir(config.dataDir, { recursive: true });
    const secrets = await loadSecrets(config.dataDir, random);
    const { database, close: closeDatabase } = await openDatabase({
      dataDir: config.dataDir,
      databaseUrl: config.databaseUrl,
      serverName: config.serverName,
      logger,
      onLost: () => onFatal(new Error('Another process has taken over the database')),
      ...(surroundings.onQuery === undefined ? {} : { onQuery: surroundings.onQuery }),
    });
    closers.push(closeDatabase);

    // The log.
    const lost = () => onFatal(new Error('Another process has taken the log of this database'));
    const streams = await composeStreams({ database, logger, onLost: lost });
    closers.push(streams.log.drained);

    // Other servers.
    const signer = { serverName: config.serverName, ...secrets.signingKey };
    const peers = await composePeers({
      config,
      database,
      clock,
      random,
      logger,
      signer,
      oldKeys: secrets.oldSigningKeys,
      callsFrom: surroundings.callsFrom,
    });
    closers.push(peers.close);
    const { network, connect } = createLateNetwork();

    // Application services: who they are, and asking them.
    const appservices = await composeAppserviceGround({ config, logger });
    closers.push(appservices.close);

    // What people keep here: profiles, account data, push rules, filters.
    const personal = composePersonal({
      ...streams,
      pool: database.sql,
      clock,
      random,
      logger,
      serverName: config.serverName,
      queryRemoteProfile: peers.queries.profile,
      spreadProfile: (user) => rooms.spreadProfile(user),
      askForUser: appservices.ask.forUser,
    });

    // Rooms.
    const rooms = await composeRooms({
      ...streams,
      database,
      clock,
      random,
      logger,
      serverName: config.serverName,
      defaultRoomVersion: config.defaultRoomVersion,
      maxDelayMs: config.maxEventDelayMs,
      retention: retentionOf(config),
      userDirectory: config.userDirectory,
      signer,
      findProfile: personal.profiles.findForMembership,
      followUpgrade: personal.followUpgrade,
      listIgnored: personal.listIgnored,
      network,
      aliasKeepers: appservices.aliasKeepers,
    });

    closers.push(rooms.settled);
    closers.push(rooms.delayedEvents.stop);

    // What an admin, or a room's own rule, has deleted.
    const { serverName } = config;
    const roomAdmin = composeRoomAdmin({ ...streams, ...rooms, database, clock, random, logger, serverName });
    closers.push(roomAdmin.stop);

    // Receipts, typing, presence.
    const ephemeral = composeEphemeral({
      ...streams,
      ...rooms,
      database,
      clock,
      random,
      logger,
      serverName: config.serverName,
      isPresenceEnabled: config.presence,
      isKindred: peers.kindred.isKindred,
      accountData: personal.accountData,
      sendVolatile: (eduType, contents) => federation.sendVolatile(eduType, contents),
    });
    closers.push(ephemeral.stop);

    // Keys of devices, and messages between them.
    const owed = await createOwedMessages({ pool: database.sql, adminContact: config.adminContact });
    const e2ee = createE2ee({
      ...streams,
      owed,
      ...peers.deviceQueries,
      askForOneTimeKeys: appservices.askKeys.claim,
      askForKeys: appservices.askKeys.query,
      pool: database.sql,
      clock,
      random,
      logger,
      serverName: config.serverName,
    });

    // Files.
    const media = await composeMedia({
      database,
      clock,
      random,
      logger,
      config,
      http: peers.http,
      ...createFetchMedia({ client: peers.client, http: peers.http }),
    });
    closers.push(media.close);

    // Accounts.
    const signUp = await composeSignUp(config);
    closers.push(signUp.close);
    const accounts = composeAccounts(
      { config, secrets, pool: database.sql, clock, random, logger },
      {
        conditions: signUp.conditions,
        identityBindings: composeIdentity({ config, pool: database.sql, http: peers.http, signer, logger }),
        commitDeviceChange: e2ee.deviceLists.commitDeviceChange,
        announceDevice: e2ee.deviceLists.announceDevice,
        forgetDevices: personal.accountData.forgetDevices,
        leaveAllRooms: rooms.leaveAllRooms,
        welcomeAccount,
        isReserved: appservices.registry.isUserReserved,
        findAppservice: appservices.findOwner,
      },
    );
    closers.push(async () => await accounts[Symbol.asyncDispose]());
    await appservices.ensureSenders(accounts);
    const authenticate = appservices.authenticateWith(accounts);

    const { sso, close: closeSso } = await composeSingleSignOn({ config, pool: database.sql, clock, random, logger, accounts });
    closers.push(closeSso);
    const oauth = composeOAuth({
      config,
      secrets,
      pool: database.sql,
      clock,
      random,
      accounts,
      profiles: personal.profiles,
      media: media.media,
      sso,
    });

    // What is unread, and whom to tell.
    const push = await composePush(
      {
        ...streams,
        ...rooms,
        database,
        clock,
        logger,
        serverName: config.serverName,
        loadPushRules: personal.pushRules.load,
        readers: ephemeral.readers,
      },
      { config, secrets, random, fcmAgent: surroundings.fcmAgent },
    );
    closers.push(push.stop);

    // Searching what was said.
    const search = await composeSearch({ ...streams, ...rooms, database, logger, listIgnored: personal.listIgnored });
    closers.push(search.stop);

    // Telling clients what is new.
    const sync = composeSync({
      ...streams,
      ...rooms,
      database,
      clock,
      logger,
      accountData: {
        listChanges: personal.listAccountData,
        loadFilter: personal.filters.load,
        listIgnored: personal.listIgnored,
      },
      ephemeral: ephemeral.forSync,
      unread: push.unread,
      e2ee: e2ee.forSync,
    });
    closers.push(sync.stop);

    // Telling application services.
    const appserviceQueues = await composeAppservices({ ...streams, ...rooms, ...appservices, database, clock, logger, ephemeral, e2ee });
    closers.push(appserviceQueues.stop);

    // Federation.
    const federation = await composeFederation({
      ...streams,
      ...rooms,
      peers,
      database,
      clock,
      random,
      logger,
      metrics,
      signer,
      rateLimits: config.rateLimits,
      eduHandlers: createEduHandlers(ephemeral.receiveEdu, e2eeEduHandlers(e2ee)),
      owed,
      e2ee,
      loadProfile: personal.profiles.load,
      findOpenIdUser: personal.openIdTokens.find,
    });
    connect(federation.network);
    const adminRoutes = await composeAdmin({ ...rooms, ...peers, ...personal, config, database, clock, random, accounts });
    closers.push(federation.stop);

    // The edge.
    const rtcTransports = livekitTransports(config.livekitUrls);
    const routes: Route[] = [
      versionsRoute(),
      capabilitiesRoute({
        roomVersions: ROOM_VERSIONS,
        defaultRoomVersion: config.defaultRoomVersion,
        ownPush: push.capability,
        delayedEvents: rooms.delayedEvents.limits,
      }),
      ...accountsRoutes(accounts, { ...config, providers: sso?.providers ?? [], beginSsoProof: oauth.beginSsoProof }),
      ...oauth.routes,
      ...keyRoutes(e2ee, { requireProof: oauth.crossSigningReset.requireProof, position: streams.log.position }),
      ...keyBackupRoutes(e2ee.keyBackups),
      ...dehydratedDeviceRoutes(e2ee.dehydratedDevices),
      ...personal.routes,
      ...rooms.routes,
      ...ephemeral.routes,
      ...push.routes,
      ...sync.routes,
      ...roomAdmin.routes,
      ...adminRoutes,
      ...search.routes,
      ...media.routes,
      ...appserviceQueues.routes,
      rtcRoute(rtcTransports),
      turnServerRoute({ uris: config.turnUris, secret: config.turnSecret, clock }),
      ...federation.routes,
    ];
    const listener = await composeEdge({
      config,
      clock,
      logger,
      metrics,
      routes,
      sockets: sync.sockets(authenticate),
      rtcTransports,
      authenticate,
      isUnlimited: appservices.isUnlimited,
      verifyOrigin: federation.verifyOrigin,
      onBadResponse: surroundings.onBadResponse,
      onAnswer: surroundings.onAnswer,
      isStopping: () => stopping !== undefined,
      closers,
    });
    rooms.delayedEvents.start();
    rooms.leadGuestsOut();
    await accounts.resumeDepartures();

    const stop = () => {
      stopping ??= closers.closeAll();
      return stopping;
    };
    const url = listener.port === config.port ? config.publicUrl : `http://${config.host}:${listener.port}`;
    return { url, port: listener.port, tlsPort: listener.tlsPort, routes, tendMedia: media.tend, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await closers.closeAll().catch((cause: unknown) => logger.error({ err: cause }, 'not everything was closed'));
    throw error;
  }
}

function retentionOf({
  retention: isEnabled,
  retentionDefaultMs: defaultMs,
  retentionMinMs: shortestMs,
  retentionMaxMs: longestMs,
}: Config) {
  return { isEnabled, defaultMs, shortestMs, longestMs };
}
