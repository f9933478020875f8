import { type Static, Type } from 'typebox';
import { ClientEventSchema } from './events.ts';
import { RoomEventFilterSchema } from './filters.ts';
import { ContentUriSchema, EventIdSchema } from './ids.ts';
import { mapOf } from './json.ts';

/** What to look for, and how to show it. https://spec.matrix.org/latest/client-server-api/#server-side-search */
export const SearchCriteriaSchema = Type.Object({
  search_term: Type.String(),
  /** The places to look in; all of them when absent. */
  keys: Type.Optional(Type.Array(Type.Enum(['content.body', 'content.name', 'content.topic']))),
  filter: Type.Optional(RoomEventFilterSchema),
  order_by: Type.Optional(Type.Enum(['recent', 'rank'])),
  event_context: Type.Optional(
    Type.Object({
      before_limit: Type.Optional(Type.Integer({ minimum: 0 })),
      after_limit: Type.Optional(Type.Integer({ minimum: 0 })),
      include_profile: Type.Optional(Type.Boolean()),
    }),
  ),
  include_state: Type.Optional(Type.Boolean()),
  groupings: Type.Optional(
    Type.Object({ group_by: Type.Optional(Type.Array(Type.Object({ key: Type.Optional(Type.Enum(['room_id', 'sender'])) }))) }),
  ),
});
export type SearchCriteria = Static<typeof SearchCriteriaSchema>;

/** An event found, with what was said before and after. */
export const SearchResultSchema = Type.Object({
  rank: Type.Optional(Type.Number()),
  result: Type.Optional(ClientEventSchema),
  context: Type.Optional(
    Type.Object({
      start: Type.Optional(Type.String()),
      end: Type.Optional(Type.String()),
      /** By user id, as the users called themselves at the time. */
      profile_info: Type.Optional(
        mapOf(Type.Object({ displayname: Type.Optional(Type.String()), avatar_url: Type.Optional(ContentUriSchema) })),
      ),
      events_before: Type.Optional(Type.Array(ClientEventSchema)),
      events_after: Type.Optional(Type.Array(ClientEventSchema)),
    }),
  ),
});
export type SearchResult = Static<typeof SearchResultSchema>;

const SearchGroupSchema = Type.Object({
  next_batch: Type.Optional(Type.String()),
  order: Type.Optional(Type.Integer()),
  results: Type.Optional(Type.Array(EventIdSchema)),
});

export const SearchResultsSchema = Type.Object({
  count: Type.Optional(Type.Integer()),
  /** The words to mark in the results, stemmed ones too. */
  highlights: Type.Optional(Type.Array(Type.String())),
  results: Type.Optional(Type.Array(SearchResultSchema)),
  /** The current state of the rooms found, by room id, when it was asked for. */
  state: Type.Optional(mapOf(Type.Array(ClientEventSchema))),
  /** By what was grouped by, then by room id or user id. */
  groups: Type.Optional(mapOf(mapOf(SearchGroupSchema))),
  next_batch: Type.Optional(Type.String()),
});
export type SearchResults = Static<typeof SearchResultsSchema>;
