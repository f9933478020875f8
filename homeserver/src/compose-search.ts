import type { ListIgnored } from './domain/accounts/ignored-users.ts';
import type { HotRooms } from './domain/rooms/hot-rooms.ts';
import type { ReadRoom } from './domain/rooms/read-room.ts';
import type { RenderEvents } from './domain/rooms/render-events.ts';
import type { ViewRoom } from './domain/rooms/visibility.ts';
import { createFindHits } from './domain/search/find-hits.ts';
import { createSearch } from './domain/search/search.ts';
import { createSearchIndex } from './domain/search/search-index.ts';
import { createListSurroundings } from './domain/search/surroundings.ts';
import type { Log } from './domain/streams/log.ts';
import type { Notifier } from './domain/streams/notifier.ts';
import { searchRoute } from './edge/client-api/search.ts';
import type { Logger } from './platform/logger.ts';
import type { Database } from './storage/database.ts';

type Deps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  logger: Logger;
  rooms: HotRooms;
  viewRoom: ViewRoom;
  readRoom: ReadRoom;
  renderEvents: RenderEvents;
  listIgnored: ListIgnored;
};

/** Searching what was said: a follower of the log, and the questions asked of it. */
export async function composeSearch(deps: Deps) {
  const { caughtUp, stop } = await createSearchIndex(deps);
  const search = createSearch({ ...deps, caughtUp, findHits: createFindHits(deps), listSurroundings: createListSurroundings(deps) });
  return { routes: [searchRoute(search)], stop };
}
