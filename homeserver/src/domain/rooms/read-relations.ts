import type { Database } from '../../storage/database.ts';
import { listRelations, listThreadRoots, MAX_RECURSION } from '../../storage/relations.ts';
import { formatToken } from '../streams/token.ts';
import { type EnterRoom, type RoomReader, stateAt } from './enter-room.ts';
import { beginAt, DEFAULT_PAGE, endAt, MAX_PAGE, placeAfter } from './paging.ts';
import type { ClientEvent, RenderEvents } from './render-events.ts';

export type RelationsRequest = {
  roomId: string;
  eventId: string;
  relType?: string | undefined;
  eventType?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  direction: 'b' | 'f';
  limit?: number | undefined;
  /** Also what relates to what relates to the event, a few steps far. */
  isRecursive: boolean;
};
export type RelationsPage = { chunk: ClientEvent[]; nextBatch?: string; prevBatch?: string; recursionDepth?: number };

export type ThreadsRequest = { roomId: string; include: 'all' | 'participated'; from?: string | undefined; limit?: number | undefined };
export type ThreadsPage = { chunk: ClientEvent[]; nextBatch?: string };

/** Reads what relates to events. All throw M_FORBIDDEN and M_NOT_FOUND as reading the event itself does, M_INVALID_PARAM for a bad token. */
export type ReadRelations = {
  /** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidrelationseventid */
  relations: (reader: RoomReader, request: RelationsRequest) => Promise<RelationsPage>;
  /** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidthreads */
  threads: (reader: RoomReader, request: ThreadsRequest) => Promise<ThreadsPage>;
};

type Deps = { database: Database; enterRoom: EnterRoom; renderEvents: RenderEvents };

export function createReadRelations({ database, enterRoom, renderEvents }: Deps): ReadRelations {
  const { sql } = database;

  return {
    relations: async (reader, request) => {
      const { roomId, eventId, relType, eventType, direction, isRecursive } = request;
      const { room, view } = await enterRoom.enter(reader, roomId);
      await enterRoom.findVisible(room, view, eventId);
      const { place: from, bounds } = await beginAt(sql, room.nid, request.from, direction);
      const limit = Math.min(Math.max(request.limit ?? DEFAULT_PAGE, 1), MAX_PAGE);
      const way = direction === 'b' ? 'backwards' : 'forwards';
      const depth = isRecursive ? MAX_RECURSION : 1;
      const range = { roomNid: room.nid, from, direction: way, ...bounds, ...endAt(request.to, direction), limit: limit + 1 } as const;
      const found = await listRelations(sql, { ...range, targetId: eventId, relType, eventType, depth });

      const events = found.slice(0, limit);
      const next = found.length > limit ? placeAfter(events, way) : undefined;
      const bundleUpTo = stateAt(room, view).at ?? null;
      await view.learn(events);
      return {
        chunk: await renderEvents(events.filter(view.maySee), { roomId, reader, bundleUpTo, membershipAt: view.membershipAt, sight: view }),
        ...(next === undefined ? {} : { nextBatch: formatToken({ kind: 'topological', ...next, bounds }) }),
        ...(request.from === undefined ? {} : { prevBatch: request.from }),
        ...(isRecursive ? { recursionDepth: MAX_RECURSION } : {}),
      };
    },

    threads: async (reader, request) => {
      const { room, view } = await enterRoom.enter(reader, request.roomId);
      const { place: from } = await beginAt(sql, room.nid, request.from, 'b');
      const limit = Math.min(Math.max(request.limit ?? DEFAULT_PAGE, 1), MAX_PAGE);
      const upTo = stateAt(room, view).at;
      const participantNid = request.include === 'participated' ? reader.userNid : undefined;
      const found = await listThreadRoots(sql, { roomNid: room.nid, from, participantNid, upTo, limit: limit + 1 });

      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1)?.last : undefined;
      await view.learn(page.map(({ root }) => root));
      const roots = page.map(({ root }) => root).filter(view.maySee);
      return {
        chunk: await renderEvents(roots, {
          roomId: request.roomId,
          reader,
          bundleUpTo: upTo ?? null,
          membershipAt: view.membershipAt,
          sight: view,
        }),
        ...(last === undefined ? {} : { nextBatch: formatToken({ kind: 'topological', ...last, eventNid: last.eventNid - 1 }) }),
      };
    },
  };
}
