import { composeOldSync } from './compose-old-sync.ts';
import type { EnterRoom } from './domain/rooms/enter-room.ts';
import type { HotRooms } from './domain/rooms/hot-rooms.ts';
import type { InvitePermission } from './domain/rooms/invite-permission.ts';
import type { ReadRoom } from './domain/rooms/read-room.ts';
import type { RenderEvents, RenderGroups } from './domain/rooms/render-events.ts';
import type { ViewRoom, ViewRooms } from './domain/rooms/visibility.ts';
import type { Log } from './domain/streams/log.ts';
import type { Notifier } from './domain/streams/notifier.ts';
import { createBuildSync } from './domain/sync/build-sync.ts';
import { createListDirect } from './domain/sync/direct-rooms.ts';
import { createHideInvites } from './domain/sync/hide-invites.ts';
import { createRoomActivity } from './domain/sync/room-activity.ts';
import { createListRoomFacts } from './domain/sync/room-facts.ts';
import { createListSummaries } from './domain/sync/room-summaries.ts';
import { createListBumpStamps } from './domain/sync/sliding/bump-stamps.ts';
import { createConnections } from './domain/sync/sliding/connections.ts';
import { createKeepConnections } from './domain/sync/sliding/keep-connections.ts';
import { createListRooms } from './domain/sync/sliding/list-rooms.ts';
import { createSlidingSync } from './domain/sync/sliding/sliding-sync.ts';
import { createTellExtensions } from './domain/sync/sliding/tell-extensions.ts';
import { createTellSlidingRooms } from './domain/sync/sliding/tell-sliding-rooms.ts';
import { createTellSticky } from './domain/sync/sliding/tell-sticky.ts';
import { createSortRooms } from './domain/sync/sort-rooms.ts';
import type {
  AccountDataForSync,
  E2eeForSync,
  EphemeralForSync,
  StickyForSync,
  ThreadSubscriptionsForSync,
  UnreadForSync,
} from './domain/sync/sources.ts';
import { createListStandings } from './domain/sync/standings.ts';
import { createStripRooms } from './domain/sync/strip-rooms.ts';
import { createSync } from './domain/sync/sync.ts';
import { createTellRooms } from './domain/sync/tell-rooms.ts';
import { createListUserRooms } from './domain/sync/user-rooms.ts';
import { slidingSyncRoutes } from './edge/client-api/sliding-sync.ts';
import { syncRoutes } from './edge/client-api/sync.ts';
import type { SocketRoute } from './edge/http/live-socket.ts';
import type { Authenticate } from './edge/http/requester.ts';
import { liveRoute } from './edge/websocket/live.ts';
import type { Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import type { Database } from './storage/database.ts';

type Deps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  clock: Clock;
  logger: Logger;
  rooms: HotRooms;
  viewRoom: ViewRoom;
  viewRooms: ViewRooms;
  invitePermission: InvitePermission;
  enterRoom: EnterRoom;
  readRoom: ReadRoom;
  renderEvents: RenderEvents;
  renderGroups: RenderGroups;
  e2ee: E2eeForSync;
  accountData: AccountDataForSync;
  ephemeral: EphemeralForSync;
  unread: UnreadForSync;
  threadSubscriptions: ThreadSubscriptionsForSync;
  sticky: StickyForSync;
};

/** Telling clients what is new: by request and by live connection. */
export function composeSync(deps: Deps) {
  const { accountData, ephemeral, logger } = deps;
  const listStandings = createListStandings({
    ...deps,
    listUserRooms: createListUserRooms(deps),
    hideInvites: createHideInvites(deps),
  });
  const activity = createRoomActivity(deps);
  const listRoomFacts = createListRoomFacts(deps);
  const tellRooms = createTellRooms({
    ...deps,
    listSummaries: createListSummaries({ ...deps, listRoomFacts }),
    listIgnored: accountData.listIgnored,
  });
  const stripRooms = createStripRooms(deps);
  const buildSync = createBuildSync({ ...deps, listStandings, sortRooms: createSortRooms({ ...deps, activity }), tellRooms, stripRooms });
  const sync = createSync({ ...deps, buildSync, acknowledged: ephemeral.acknowledged, synced: ephemeral.synced });
  const keep = createKeepConnections(deps);
  const slidingSync = createSlidingSync({
    ...deps,
    listDirect: createListDirect(deps),
    connections: createConnections({ ...deps, keep }),
    listStandings,
    listRooms: createListRooms({ ...deps, activity, listRoomFacts, stripRooms }),
    tellSlidingRooms: createTellSlidingRooms({ ...deps, listBumpStamps: createListBumpStamps(deps), tellRooms, stripRooms, listRoomFacts }),
    tellExtensions: createTellExtensions({ ...deps, tellSticky: createTellSticky(deps) }),
  });
  const sockets = (authenticate: Authenticate): SocketRoute[] => [liveRoute({ sync, authenticate, logger })];
  const routes = [
    ...syncRoutes({ sync, loadFilter: accountData.loadFilter }),
    ...slidingSyncRoutes(slidingSync),
    ...composeOldSync({ ...deps, listStandings, tellRooms, stripRooms }),
  ];
  return { sync, routes, sockets, stop: keep.stop };
}
