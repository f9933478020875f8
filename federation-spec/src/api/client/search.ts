import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientEventSchema } from '../schemas/events.ts';
import { RoomEventFilterSchema } from '../schemas/filters.ts';
import { ContentUriSchema } from '../schemas/ids.ts';
import { mapOf } from '../schemas/json.ts';

/** Perform a server-side search. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3search */
export const search = endpoint({
  id: 'search',
  method: 'POST',
  path: '/_matrix/client/v3/search',
  auth: 'access-token',
  query: Type.Object({ next_batch: Type.Optional(Type.String()) }),
  body: Type.Object({
    search_categories: Type.Object({
      room_events: Type.Optional(
        Type.Object({
          search_term: Type.String(),
          keys: Type.Optional(Type.Array(Type.Enum(['content.body', 'content.name', 'content.topic']))),
          filter: Type.Optional(RoomEventFilterSchema),
          order_by: Type.Optional(Type.Enum(['recent', 'rank'])),
          event_context: Type.Optional(
            Type.Object({
              before_limit: Type.Optional(Type.Integer()),
              after_limit: Type.Optional(Type.Integer()),
              include_profile: Type.Optional(Type.Boolean()),
            }),
          ),
          include_state: Type.Optional(Type.Boolean()),
          groupings: Type.Optional(
            Type.Object({ group_by: Type.Optional(Type.Array(Type.Object({ key: Type.Optional(Type.Enum(['room_id', 'sender'])) }))) }),
          ),
        }),
      ),
    }),
  }),
  response: Type.Object({
    search_categories: Type.Object({
      room_events: Type.Optional(
        Type.Object({
          count: Type.Optional(Type.Integer()),
          highlights: Type.Optional(Type.Array(Type.String())),
          results: Type.Optional(
            Type.Array(
              Type.Object({
                rank: Type.Optional(Type.Number()),
                result: Type.Optional(ClientEventSchema),
                context: Type.Optional(
                  Type.Object({
                    start: Type.Optional(Type.String()),
                    end: Type.Optional(Type.String()),
                    profile_info: Type.Optional(
                      mapOf(Type.Object({ displayname: Type.Optional(Type.String()), avatar_url: Type.Optional(ContentUriSchema) })),
                    ),
                    events_before: Type.Optional(Type.Array(ClientEventSchema)),
                    events_after: Type.Optional(Type.Array(ClientEventSchema)),
                  }),
                ),
              }),
            ),
          ),
          state: Type.Optional(mapOf(Type.Array(ClientEventSchema))),
          groups: Type.Optional(
            mapOf(
              mapOf(
                Type.Object({
                  next_batch: Type.Optional(Type.String()),
                  order: Type.Optional(Type.Integer()),
                  results: Type.Optional(Type.Array(Type.String())),
                }),
              ),
            ),
          ),
          next_batch: Type.Optional(Type.String()),
        }),
      ),
    }),
  }),
  rateLimit: 'search',
});
