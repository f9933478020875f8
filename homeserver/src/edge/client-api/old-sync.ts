import {
  getEvents,
  getOneEvent,
  initialSync as initialSyncEndpoint,
  roomInitialSync as roomInitialSyncEndpoint,
} from 'federation-spec/api/client/old-sync.ts';
import type { BasicEvent } from 'federation-spec/api/schemas/events.ts';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import type { ReadEvent } from '../../domain/rooms/read-event.ts';
import type { EventStream } from '../../domain/sync/old/event-stream.ts';
import type { InitialSync } from '../../domain/sync/old/initial-sync.ts';
import type { RoomInitialSync } from '../../domain/sync/old/room-initial-sync.ts';
import { type Route, route } from '../http/route.ts';

type Deps = {
  eventStream: EventStream;
  initialSync: InitialSync;
  roomInitialSync: RoomInitialSync;
  readEvent: ReadEvent;
};

/** What clients read by before there was sync. https://spec.matrix.org/latest/client-server-api/#syncing */
export function oldSyncRoutes({ eventStream, initialSync, roomInitialSync, readEvent }: Deps): Route[] {
  return [
    route(getEvents, async ({ query, requester, request }) => {
      const { from, timeout, room_id: roomId } = query;
      const { isGuest } = requester;
      const told = await eventStream({ device: requester, isGuest, from, timeoutMs: readInteger(timeout), roomId, signal: request.signal });
      return { ...told, chunk: told.chunk as BasicEvent[] };
    }),
    route(getOneEvent, ({ params, requester }) => readEvent(requester, params.eventId)),
    route(initialSyncEndpoint, ({ query, requester }) =>
      initialSync(requester, { limit: readInteger(query.limit), isArchived: readBoolean(query.archived) === true }),
    ),
    route(roomInitialSyncEndpoint, ({ params, query, requester }) => roomInitialSync(requester, params.roomId, readInteger(query.limit))),
  ];
}
