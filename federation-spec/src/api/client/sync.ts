import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';
import { SyncResponseSchema } from '../schemas/sync.ts';
import { PresenceStateSchema } from '../schemas/users.ts';

/**
 * Synchronise the client's state and receive new messages.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3sync
 */
export const sync = endpoint({
  id: 'sync',
  method: 'GET',
  path: '/_matrix/client/v3/sync',
  auth: 'access-token',
  guests: true,
  query: Type.Object({
    /** A filter id, or a filter as JSON when it begins with `{`. */
    filter: Type.Optional(Type.String()),
    since: Type.Optional(Type.String()),
    full_state: Type.Optional(QueryBooleanSchema),
    set_presence: Type.Optional(PresenceStateSchema),
    /** Milliseconds to wait for something new. */
    timeout: Type.Optional(QueryCountSchema),
    use_state_after: Type.Optional(QueryBooleanSchema),
    'org.matrix.msc4222.use_state_after': Type.Optional(QueryBooleanSchema),
  }),
  response: SyncResponseSchema,
  rateLimit: 'none',
});
