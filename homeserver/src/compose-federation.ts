import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Peers } from './compose-peers.ts';
import type { composeRooms, composeStreams } from './compose-rooms.ts';
import type { E2ee } from './domain/e2ee/create-e2ee.ts';
import type { OwedMessages } from './domain/e2ee/owed-messages.ts';
import { createIdentityServers } from './domain/federation/ask-identity-servers.ts';
import { createAskPolicyServer } from './domain/federation/ask-policy-server.ts';
import { createFetchHistory } from './domain/federation/fetch-history.ts';
import { createEduBudget } from './domain/federation/inbound/edu-budget.ts';
import type { EduHandlers } from './domain/federation/inbound/edu-handlers.ts';
import { createInboundMetrics } from './domain/federation/inbound/inbound-metrics.ts';
import { createProcessStaged } from './domain/federation/inbound/process-staged.ts';
import { createReceiveRetraction } from './domain/federation/inbound/receive-retraction.ts';
import { createReceiveTransaction } from './domain/federation/inbound/receive-transaction.ts';
import { createJoinsUnderWay } from './domain/federation/joins-under-way.ts';
import { createAcceptMembership } from './domain/federation/membership/accept-membership.ts';
import { createAnswerJoin } from './domain/federation/membership/answer-join.ts';
import { createAcceptExchange, createExchangeInvite } from './domain/federation/membership/exchange-invite.ts';
import { createInviteRemote } from './domain/federation/membership/invite-remote.ts';
import { createJoinRemote } from './domain/federation/membership/join-remote.ts';
import { createKnockRemote } from './domain/federation/membership/knock-remote.ts';
import { createLeaveRemote } from './domain/federation/membership/leave-remote.ts';
import { createMakeMembership } from './domain/federation/membership/make-membership.ts';
import { createReceiveBinding } from './domain/federation/membership/receive-binding.ts';
import { createReceiveInvite } from './domain/federation/membership/receive-invite.ts';
import { createVouch } from './domain/federation/membership/vouch.ts';
import { createOutbound } from './domain/federation/outbound/outbound.ts';
import { createFetchWholeState } from './domain/federation/partial-state/fetch-whole-state.ts';
import { createPatientRooms } from './domain/federation/partial-state/patient-rooms.ts';
import { createResyncRooms } from './domain/federation/partial-state/resync-rooms.ts';
import { createDisclose } from './domain/federation/reads/disclose.ts';
import { createReadEvents } from './domain/federation/reads/read-events.ts';
import { createRoomPeers } from './domain/federation/room-peers.ts';
import { createCompleteRoom } from './domain/rooms/complete-room.ts';
import { createMergeHeads } from './domain/rooms/merge-heads.ts';
import type { EventSigner } from './domain/rooms/prepare-event.ts';
import { createCheckByState } from './domain/rooms/receive-pdu/check-by-state.ts';
import { createFetchGap } from './domain/rooms/receive-pdu/fetch-gap.ts';
import { createFetchMissing } from './domain/rooms/receive-pdu/fetch-missing.ts';
import { createFindHistoryStates } from './domain/rooms/receive-pdu/history-states.ts';
import { createOutlierBudget } from './domain/rooms/receive-pdu/outlier-budget.ts';
import { createReceivePdu } from './domain/rooms/receive-pdu/receive-pdu.ts';
import { createRecheckHistory } from './domain/rooms/receive-pdu/recheck-history.ts';
import { createResolutionThread } from './domain/rooms/receive-pdu/resolution-thread.ts';
import { createResolveStates } from './domain/rooms/receive-pdu/resolve-states.ts';
import { createStoreBackfilled } from './domain/rooms/receive-pdu/store-backfilled.ts';
import { createStoreOutliers } from './domain/rooms/receive-pdu/store-outliers.ts';
import { createStorePdu } from './domain/rooms/receive-pdu/store-pdu.ts';
import { createRecheckEvents } from './domain/rooms/recheck-events.ts';
import { createRemoteStanding } from './domain/rooms/remote-standing.ts';
import type { RoomNetwork } from './domain/rooms/room-network.ts';
import { createTakeJoinedRoom } from './domain/rooms/take-joined-room.ts';
import type { Route } from './edge/http/route.ts';
import { serverDeviceRoutes } from './edge/server-api/devices.ts';
import { serverKeyRoutes } from './edge/server-api/keys.ts';
import { serverMembershipRoutes } from './edge/server-api/memberships.ts';
import { serverOpenIdRoute } from './edge/server-api/openid.ts';
import { serverPublicRoomRoutes } from './edge/server-api/public-rooms.ts';
import { serverQueryRoutes } from './edge/server-api/queries.ts';
import { serverRoomEventRoutes } from './edge/server-api/room-events.ts';
import { serverSpaceRoute } from './edge/server-api/spaces.ts';
import { serverThirdPartyInviteRoutes } from './edge/server-api/third-party-invites.ts';
import { serverTransactionRoute } from './edge/server-api/transactions.ts';
import { createVerifyOrigin } from './edge/server-api/verify-origin.ts';
import { serverVersionRoute } from './edge/server-api/version.ts';
import type { Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import { invalidParam } from './platform/matrix-error.ts';
import type { Metrics } from './platform/metrics.ts';
import type { Random } from './platform/random.ts';
import type { Database } from './storage/database.ts';
import { countStaged } from './storage/federation-inbox.ts';

const STOP_GRACE_MS = 2_000;

type Deps = Awaited<ReturnType<typeof composeStreams>> &
  Pick<
    Awaited<ReturnType<typeof composeRooms>>,
    | 'rooms'
    | 'interner'
    | 'partialRooms'
    | 'redactions'
    | 'sticky'
    | 'prepareEvent'
    | 'thirdParty'
    | 'policy'
    | 'memberships'
    | 'invitePermission'
    | 'aliases'
    | 'publicRooms'
    | 'retention'
    | 'erasedUsers'
    | 'spaces'
  > & {
    peers: Peers;
    database: Database;
    clock: Clock;
    random: Random;
    logger: Logger;
    metrics: Metrics;
    signer: EventSigner;
    eduHandlers: EduHandlers;
    /** Whether what others may send in a while is bounded. */
    rateLimits: boolean;
    owed: Pick<OwedMessages, 'remove'>;
    e2ee: Pick<E2ee, 'queryKeys' | 'claimKeys' | 'listDevicesForServer' | 'deviceLists'>;
    /** The user id that an OpenID token proves. */
    findOpenIdUser: (token: string) => Promise<string | undefined>;
    /** The profile of a user of this server. Throws M_NOT_FOUND. */
    loadProfile: (userId: string) => Promise<JsonObject>;
  };

/** What other servers ask of us and tell us, and what we ask of them and tell them. */
export async function composeFederation(deps: Deps) {
  const { peers, database, log, rooms, interner, redactions, clock, logger, signer, eduHandlers } = deps;
  const { client, keyring, mayFederate } = peers;
  const { serverName } = signer;
  const findServerKey = keyring.find;
  /** Nobody may ask us about users of third servers. */
  const loadProfile = async (userId: string) => {
    if (serverNameOf(userId) !== serverName) throw invalidParam('The user is not one of this server');
    return await deps.loadProfile(userId);
  };
  const { reachability, isUnreachable } = peers;
  const common = { ...deps, client, findServerKey, serverName, mayFederate, reachability, isUnreachable };

  // Receiving events.
  const joins = createJoinsUnderWay();
  const storeOutliers = createStoreOutliers({ database, interner });
  const peer = createRoomPeers(client);
  const takeOutlierRoom = createOutlierBudget({ clock });
  const fetchGap = createFetchGap({ database, peers: peer, findServerKey, storeOutliers, takeOutlierRoom, serverName });
  const thread = createResolutionThread();
  const resolveStates = createResolveStates({ sql: database.sql, thread });
  const checkByState = createCheckByState({ sql: database.sql, interner });
  const findHistoryStates = createFindHistoryStates({ sql: database.sql, fetchGap, resolveStates, checkByState });
  const storePdu = createStorePdu({ database, log, rooms, interner, redactions, resolveStates, sticky: deps.sticky, serverName });
  const { receivePdu, receiveCompletePdu } = createReceivePdu({
    database,
    log,
    rooms,
    interner,
    fetchGap,
    fetchMissing: createFetchMissing({ sql: database.sql, peers: peer, findServerKey, clock }),
    storePdu,
    policy: deps.policy,
    resolveStates,
  });
  const mergeHeads = createMergeHeads({ database, prepareEvent: deps.prepareEvent, receivePdu, serverName });
  const receiving = { receivePdu, receiveCompletePdu, mergeHeads };
  const staged = await createProcessStaged({
    database,
    rooms,
    joins,
    ...receiving,
    findServerKey,
    findKnownKey: keyring.findKnown,
    clock,
    logger,
    metrics: createInboundMetrics(deps.metrics, () => countStaged(database.sql)),
  });
  const standing = createRemoteStanding({ database, log });
  const receiveRetraction = createReceiveRetraction({ sql: database.sql, standing, findServerKey, serverName });
  const eduBudget = createEduBudget({ clock, isLimited: deps.rateLimits });
  const { wakeRooms, nextProgress } = staged;
  const receiveTransaction = createReceiveTransaction({
    ...common,
    joins,
    eduHandlers,
    eduBudget,
    receiveRetraction,
    wakeRooms,
    nextProgress,
  });

  // Sending events.
  const outbound = await createOutbound({ ...common, client: peers.sender, noteDelivered: deps.owed.remove });

  // Coming and going.
  const takeJoinedRoom = createTakeJoinedRoom({ database, log, rooms, interner, storeOutliers, serverName });
  const fetchWholeState = createFetchWholeState({ ...common, peers: peer, storeOutliers });
  const completeRoom = createCompleteRoom({
    ...common,
    recheckEvents: createRecheckEvents(common),
    recheckHistory: createRecheckHistory({ ...common, findHistoryStates }),
    tellLateServers: deps.e2ee.deviceLists.tellLateServers,
  });
  const resync = createResyncRooms({ ...common, fetchWholeState, completeRoom });
  const patientRooms = createPatientRooms(rooms, deps.partialRooms);
  const vouch = createVouch({ rooms: patientRooms, authorise: deps.memberships.authorise, serverName });
  const acceptMembership = createAcceptMembership({ ...common, rooms: patientRooms, receivePdu, vouch, wake: outbound.wake });
  const network: RoomNetwork = {
    remote: {
      join: createJoinRemote({ ...common, standing, joins, receivePdu, takeJoinedRoom, completeLater: resync.wake }),
      knock: createKnockRemote({ ...common, standing }),
      leave: createLeaveRemote({ ...common, standing }),
      invite: createInviteRemote(common),
    },
    fetchHistory: createFetchHistory({
      ...common,
      peer,
      storeBackfilled: createStoreBackfilled({ ...common, fetchGap, findHistoryStates, redactions, sticky: deps.sticky }),
    }),
    resolveRemoteAlias: peers.queries.resolveAlias,
    queryRemotePublicRooms: peers.queries.publicRooms,
    queryRemoteSpace: peers.queries.space,
    identity: createIdentityServers(peers),
    exchangeInvite: createExchangeInvite(common),
    askPolicyServer: createAskPolicyServer(common),
    takeIn: (room, pdu) => receivePdu(room, pdu, { origin: serverName }),
  };
  const mayBeInvited = (userId: string) =>
    loadProfile(userId).then(
      () => true,
      () => false,
    );

  const disclose = createDisclose({ ...deps, database, rooms, serverName });
  const routes: Route[] = [
    serverVersionRoute(),
    serverOpenIdRoute(deps.findOpenIdUser),
    ...serverKeyRoutes(peers.listOwnKeys, peers.askNotary),
    serverTransactionRoute(receiveTransaction),
    ...serverMembershipRoutes({
      makeMembership: createMakeMembership({ ...common, rooms: patientRooms, vouch }),
      acceptMembership,
      answerJoin: createAnswerJoin({ database, acceptMembership, serverName }),
      receiveInvite: createReceiveInvite({ ...common, standing, mayBeInvited, invitePermission: deps.invitePermission }),
    }),
    ...serverThirdPartyInviteRoutes({
      acceptExchange: createAcceptExchange({ rooms, ...deps.thirdParty, serverName }),
      receiveBinding: createReceiveBinding({ ...deps.thirdParty, hasAccount: mayBeInvited, serverName, logger }),
    }),
    ...serverRoomEventRoutes(createReadEvents({ database, rooms, disclose, partialRooms: deps.partialRooms }), {
      serverName,
      now: clock.now,
    }),
    ...serverDeviceRoutes(deps.e2ee),
    ...serverPublicRoomRoutes(deps.publicRooms),
    serverSpaceRoute(deps.spaces),
    ...serverQueryRoutes({ loadProfile, resolveAlias: deps.aliases.resolveLocal }),
  ];
  const sawServer = (name: string, userAgent: string) => {
    reachability.sawAlive(name);
    peers.kindred.saw(name, userAgent);
  };
  const verifyOrigin = createVerifyOrigin({ keyring, clock, serverName, mayFederate, sawServer });

  await resync.wake();

  return {
    network,
    routes,
    verifyOrigin,
    wake: outbound.wake,
    /** Tells other servers what is worth telling now or never. */
    sendVolatile: (eduType: string, contents: readonly { destination: string; content: JsonObject }[]) => {
      for (const { destination, content } of contents) {
        outbound.sendEphemeral([destination], { key: volatileKey(eduType, content), eduType, content });
      }
    },
    /** Lets what is under way end; what still waits for another server then is cut off, and taken up again at the next start. */
    stop: async () => {
      const ended = Promise.all([outbound.stop(), staged.stop(), resync.stop()]);
      await Promise.race([ended, delay(STOP_GRACE_MS, undefined, { ref: false })]);
      await peers.close();
      await ended;
      await thread[Symbol.asyncDispose]();
    },
  };
}

/** What a newer EDU replaces: the same person's typing in the same room, and the last word on the presence of the same people. */
function volatileKey(eduType: string, content: JsonObject): string {
  if (eduType === 'm.typing') return `${eduType} ${content['room_id']} ${content['user_id']}`;
  const { push } = content;
  return `${eduType} ${JSON.stringify(Array.isArray(push) ? push.map((person) => (isJsonObject(person) ? person['user_id'] : person)) : content)}`;
}
