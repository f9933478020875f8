import {
  getRelatingEvents,
  getRelatingEventsWithRelType,
  getRelatingEventsWithRelTypeAndEventType,
  getThreadRoots,
} from 'federation-spec/api/client/messages.ts';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import type { RoomReader } from '../../domain/rooms/enter-room.ts';
import type { ReadRelations } from '../../domain/rooms/read-relations.ts';
import { type Route, route } from '../http/route.ts';

type Target = { roomId: string; eventId: string; relType?: string; eventType?: string };
type Query = { from?: string; to?: string; limit?: string; dir?: 'b' | 'f'; recurse?: 'true' | 'false' };

/** https://spec.matrix.org/latest/client-server-api/#relationships-api */
export function roomRelationsRoutes(readRelations: ReadRelations): Route[] {
  async function answer(requester: RoomReader, target: Target, { from, to, limit, dir, recurse }: Query) {
    const page = await readRelations.relations(requester, {
      ...target,
      from,
      to,
      direction: dir ?? 'b',
      limit: readInteger(limit),
      isRecursive: readBoolean(recurse) === true,
    });
    return {
      chunk: page.chunk,
      ...(page.nextBatch === undefined ? {} : { next_batch: page.nextBatch }),
      ...(page.prevBatch === undefined ? {} : { prev_batch: page.prevBatch }),
      ...(page.recursionDepth === undefined ? {} : { recursion_depth: page.recursionDepth }),
    };
  }

  return [
    route(getRelatingEvents, ({ params, query, requester }) => answer(requester, params, query)),
    route(getRelatingEventsWithRelType, ({ params, query, requester }) => answer(requester, params, query)),
    route(getRelatingEventsWithRelTypeAndEventType, ({ params, query, requester }) => answer(requester, params, query)),

    route(getThreadRoots, async ({ params, query, requester }) => {
      const { include = 'all', from, limit } = query;
      const { chunk, nextBatch } = await readRelations.threads(requester, {
        roomId: params.roomId,
        include,
        from,
        limit: readInteger(limit),
      });
      return { chunk, ...(nextBatch === undefined ? {} : { next_batch: nextBatch }) };
    }),
  ];
}
