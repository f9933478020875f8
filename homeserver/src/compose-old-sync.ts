import type { EnterRoom } from './domain/rooms/enter-room.ts';
import type { HotRooms } from './domain/rooms/hot-rooms.ts';
import { createReadEvent } from './domain/rooms/read-event.ts';
import type { ReadRoom } from './domain/rooms/read-room.ts';
import type { RenderEvents } from './domain/rooms/render-events.ts';
import type { ViewRoom } from './domain/rooms/visibility.ts';
import type { Log } from './domain/streams/log.ts';
import type { Notifier } from './domain/streams/notifier.ts';
import { createEventStream } from './domain/sync/old/event-stream.ts';
import { createInitialSync } from './domain/sync/old/initial-sync.ts';
import { createRoomInitialSync } from './domain/sync/old/room-initial-sync.ts';
import { createTellInvite } from './domain/sync/old/tell-invite.ts';
import type { TellRooms } from './domain/sync/room-to-tell.ts';
import type { AccountDataForSync, EphemeralForSync } from './domain/sync/sources.ts';
import type { ListStandings } from './domain/sync/standings.ts';
import type { StripRooms } from './domain/sync/strip-rooms.ts';
import { oldSyncRoutes } from './edge/client-api/old-sync.ts';
import type { Route } from './edge/http/route.ts';
import type { Clock } from './platform/clock.ts';
import type { Database } from './storage/database.ts';

type Deps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  clock: Clock;
  rooms: HotRooms;
  viewRoom: ViewRoom;
  enterRoom: EnterRoom;
  readRoom: ReadRoom;
  renderEvents: RenderEvents;
  listStandings: ListStandings;
  tellRooms: TellRooms;
  stripRooms: StripRooms;
  accountData: AccountDataForSync;
  ephemeral: EphemeralForSync;
};

/** What clients read by before there was sync. */
export function composeOldSync(deps: Deps): Route[] {
  const tellInvite = createTellInvite(deps);
  return oldSyncRoutes({
    eventStream: createEventStream({ ...deps, tellInvite }),
    initialSync: createInitialSync({ ...deps, tellInvite }),
    roomInitialSync: createRoomInitialSync(deps),
    readEvent: createReadEvent(deps),
  });
}
