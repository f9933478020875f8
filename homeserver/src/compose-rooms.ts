import type { FollowUpgrade } from './domain/accounts/follow-upgrade.ts';
import type { ListIgnored } from './domain/accounts/ignored-users.ts';
import { type AliasKeepers, createAliases } from './domain/directory/aliases.ts';
import { createPublicRooms } from './domain/directory/public-rooms.ts';
import { createSearchUsers } from './domain/directory/search-users.ts';
import { createSpaces } from './domain/directory/spaces.ts';
import { createCreateRoom } from './domain/rooms/create-room.ts';
import { createCreateRoomForUser } from './domain/rooms/create-room-for-user.ts';
import { createDelayedEvents } from './domain/rooms/delayed-events.ts';
import { createEnterRoom } from './domain/rooms/enter-room.ts';
import { createErasedUsers } from './domain/rooms/erased-users.ts';
import { createExpelGuests } from './domain/rooms/expel-guests.ts';
import { createHotRooms } from './domain/rooms/hot-rooms.ts';
import { createInterner } from './domain/rooms/interner.ts';
import { createInvitePermission } from './domain/rooms/invite-permission.ts';
import { createInviteUser } from './domain/rooms/invite-user.ts';
import { createLeaveAllRooms } from './domain/rooms/leave-all-rooms.ts';
import { createListJoinedRooms } from './domain/rooms/list-joined-rooms.ts';
import { createLoadBundles } from './domain/rooms/load-bundles.ts';
import { createMemberships, type FindProfile } from './domain/rooms/membership.ts';
import { createListMutualRooms } from './domain/rooms/mutual-rooms.ts';
import { createPartialRooms } from './domain/rooms/partial-rooms.ts';
import { createPolicy } from './domain/rooms/policy/policy-server.ts';
import { createPrepareEvent, type EventSigner } from './domain/rooms/prepare-event.ts';
import { createReadRelations } from './domain/rooms/read-relations.ts';
import { createReadRoom } from './domain/rooms/read-room.ts';
import { createRedactions } from './domain/rooms/redactions.ts';
import { createRenderEvents, createRenderGroups } from './domain/rooms/render-events.ts';
import { createReports } from './domain/rooms/reports.ts';
import { createRetentionPolicies, type RetentionSettings } from './domain/rooms/retention-policies.ts';
import type { RoomNetwork } from './domain/rooms/room-network.ts';
import { createSendEvent } from './domain/rooms/send-event.ts';
import { createSetState } from './domain/rooms/set-state.ts';
import { createSpreadProfile } from './domain/rooms/spread-profile.ts';
import { createStickyEvents } from './domain/rooms/sticky/sticky-events.ts';
import { createInviteByAddress } from './domain/rooms/third-party/invite-by-address.ts';
import { createRedeemInvite } from './domain/rooms/third-party/redeem-invite.ts';
import { createThreadSubscriptions } from './domain/rooms/thread-subscriptions.ts';
import { createUpgradeRoom } from './domain/rooms/upgrade-room.ts';
import { createViewRoom, createViewRooms } from './domain/rooms/visibility.ts';
import { createLog } from './domain/streams/log.ts';
import { createNotifier } from './domain/streams/notifier.ts';
import { delayedEventRoutes } from './edge/client-api/delayed-events.ts';
import { directoryRoutes } from './edge/client-api/directory.ts';
import { mutualRoomsRoute } from './edge/client-api/mutual-rooms.ts';
import { reportRoutes } from './edge/client-api/reports.ts';
import { roomAliasRoutes } from './edge/client-api/room-aliases.ts';
import { roomCreateRoutes } from './edge/client-api/room-create.ts';
import { roomMembershipRoutes } from './edge/client-api/room-membership.ts';
import { roomReadRoutes } from './edge/client-api/room-read.ts';
import { roomRelationsRoutes } from './edge/client-api/room-relations.ts';
import { roomSendRoutes } from './edge/client-api/room-send.ts';
import { roomUpgradeRoute } from './edge/client-api/room-upgrade.ts';
import { spaceRoutes } from './edge/client-api/spaces.ts';
import { threadSubscriptionRoutes } from './edge/client-api/thread-subscriptions.ts';
import type { Route } from './edge/http/route.ts';
import type { Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import type { Random } from './platform/random.ts';
import type { Database } from './storage/database.ts';
import { loadLastEventNid } from './storage/events.ts';
import { takeLog } from './storage/log-head.ts';
import type { DirectoryScope } from './storage/user-directory.ts';

type StreamDeps = { database: Database; logger: Logger; onLost: () => void };

/** The log, and who hears of its commits. */
export async function composeStreams({ database, logger, onLost }: StreamDeps) {
  const notifier = createNotifier();
  const log = createLog({ database, head: await takeLog(database.sql), logger, committed: notifier.publish, lost: onLost });
  return { log, notifier };
}

type RoomDeps = Awaited<ReturnType<typeof composeStreams>> & {
  database: Database;
  clock: Clock;
  random: Random;
  logger: Logger;
  serverName: string;
  defaultRoomVersion: string;
  userDirectory: DirectoryScope;
  signer: EventSigner;
  findProfile: FindProfile;
  followUpgrade: FollowUpgrade;
  listIgnored: ListIgnored;
  /** What rooms need of other servers. */
  network: RoomNetwork;
  aliasKeepers: AliasKeepers;
  /** The longest an event may wait to be sent. */
  maxDelayMs: number;
  retention: RetentionSettings;
};

/** The rooms: in memory, written to and read from. */
export async function composeRooms(deps: RoomDeps) {
  const { database, log, notifier, clock, random, logger, serverName, defaultRoomVersion, userDirectory, signer, findProfile, network } =
    deps;

  const interner = createInterner({ database, serverName, lastEventNid: await loadLastEventNid(database.sql) });
  const rooms = createHotRooms({ database, log, notifier, logger });
  const redactions = createRedactions({ database, log });
  const prepareEvent = createPrepareEvent({ rooms, interner, clock, random, signer });
  const policy = createPolicy(network.askPolicyServer, clock);
  const sticky = await createStickyEvents({ database, log, notifier, rooms, policy, clock, logger });
  const sendEvent = createSendEvent({ rooms, log, database, prepareEvent, redactions, policy, stickyRiders: sticky.ridersOf });
  const createRoom = createCreateRoom({ rooms, log, database, random, serverName, prepareEvent });
  const inviteUser = createInviteUser({ log, prepareEvent, policy, inviteRemote: network.remote.invite, takeIn: network.takeIn });
  const invitePermission = createInvitePermission({ database });
  const partialRooms = createPartialRooms();
  const memberships = createMemberships({
    database,
    log,
    rooms,
    sendEvent,
    inviteUser,
    findProfile,
    remote: network.remote,
    partialRooms,
    invitePermission,
    followUpgrade: deps.followUpgrade,
    serverName,
  });
  const guests = createExpelGuests({ database, notifier, rooms, memberships, logger });
  const inviteByAddress = createInviteByAddress({ rooms, memberships, sendEvent, findProfile, identity: network.identity });
  const thirdParty = createRedeemInvite({ rooms, interner, sendEvent, inviteUser, ...network, serverName });
  const aliases = createAliases({
    database,
    rooms,
    clock,
    serverName,
    resolveRemote: network.resolveRemoteAlias,
    keepers: deps.aliasKeepers,
    sendEvent,
  });
  const createRoomForUser = createCreateRoomForUser({
    createRoom,
    memberships,
    inviteByAddress,
    findProfile,
    invitePermission,
    checkAliasFree: aliases.checkFree,
    clock,
    logger,
    serverName,
    defaultVersion: defaultRoomVersion,
  });
  const retention = await createRetentionPolicies({ database, notifier, clock, logger, settings: deps.retention });
  const setState = createSetState({ rooms, sendEvent, memberships, retention, serverName, resolveAlias: aliases.resolve });
  const delayedEvents = createDelayedEvents({ ...deps, sql: database.sql, rooms, sendEvent, setState });
  const upgradeRoom = createUpgradeRoom({
    rooms,
    database,
    createRoom,
    sendEvent,
    findProfile,
    followUpgrade: deps.followUpgrade,
    logger,
  });
  const publicRooms = createPublicRooms({ database, rooms, serverName, queryRemote: network.queryRemotePublicRooms });
  const spaces = createSpaces({ database, rooms, serverName, queryRemote: network.queryRemoteSpace });
  const searchUsers = createSearchUsers({ database, scope: userDirectory });
  const viewRooms = createViewRooms({ database });
  const viewRoom = createViewRoom(viewRooms);
  const erasedUsers = await createErasedUsers({ database });
  const renderGroups = createRenderGroups({
    database,
    clock,
    loadBundles: createLoadBundles({ database, listIgnored: deps.listIgnored }),
    erasedUsers,
    retention,
  });
  const renderEvents = createRenderEvents(renderGroups);
  const enterRoom = createEnterRoom({ database, rooms, viewRoom, listIgnored: deps.listIgnored, retention });
  const threadSubscriptions = createThreadSubscriptions({ database, log, enterRoom });
  const readRelations = createReadRelations({ database, enterRoom, renderEvents });
  const readRoom = createReadRoom({ database, enterRoom, renderEvents, fetchHistory: network.fetchHistory, partialRooms });
  const listJoinedRooms = createListJoinedRooms({ database });

  const spreadProfile = createSpreadProfile({ memberships, listJoinedRooms, logger });
  const leaveAllRooms = createLeaveAllRooms({ database, memberships, logger, erasedUsers });

  const routes: Route[] = [
    ...roomCreateRoutes(createRoomForUser, { serverName }),
    roomUpgradeRoute(upgradeRoom),
    ...roomMembershipRoutes({ memberships, inviteByAddress, redeem: thirdParty.redeem, resolveAlias: aliases.resolve }),
    ...roomSendRoutes(sendEvent, setState, delayedEvents.schedule),
    ...delayedEventRoutes(delayedEvents),
    ...roomReadRoutes(readRoom, listJoinedRooms),
    ...roomRelationsRoutes(readRelations),
    ...threadSubscriptionRoutes({ subscriptions: threadSubscriptions, position: log.position }),
    ...roomAliasRoutes(aliases),
    ...spaceRoutes(spaces, aliases.resolve),
    ...reportRoutes(createReports({ database, enterRoom, clock, serverName })),
    mutualRoomsRoute(createListMutualRooms({ database })),
    ...directoryRoutes({ publicRooms, searchUsers }),
  ];
  return {
    interner,
    partialRooms,
    rooms,
    redactions,
    sticky,
    prepareEvent,
    sendEvent,
    createRoomForUser,
    thirdParty,
    policy,
    memberships,
    invitePermission,
    aliases,
    publicRooms,
    spaces,
    viewRoom,
    viewRooms,
    enterRoom,
    renderEvents,
    renderGroups,
    readRoom,
    listJoinedRooms,
    threadSubscriptions,
    delayedEvents,
    spreadProfile,
    leaveAllRooms,
    retention,
    erasedUsers,
    leadGuestsOut: guests.resume,
    settled: async () => {
      await guests.settled();
      await sticky.settled();
    },
    routes,
  };
}
