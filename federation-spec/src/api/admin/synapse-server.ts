import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema, JsonObjectSchema } from '../schemas/json.ts';
import { QueryCountSchema } from '../schemas/query.ts';

const FEDERATION = 'https://element-hq.github.io/synapse/latest/usage/administration/admin_api/federation.html';
const NOTICES = 'https://element-hq.github.io/synapse/latest/admin_api/server_notices.html';
const params = Type.Object({ destination: Type.String() });

const DestinationSchema = Type.Object({
  destination: Type.String(),
  /** When it was last tried in vain and how long it is left alone, in milliseconds; 0 when it can be reached. */
  retry_last_ts: Type.Integer(),
  retry_interval: Type.Integer(),
  /** Since when it cannot be reached. */
  failure_ts: Type.Union([Type.Integer(), Type.Null()]),
  last_successful_stream_ordering: Type.Null(),
});

/** What this server is. */
export const getServerVersion = endpoint({
  id: 'getServerVersion',
  method: 'GET',
  path: '/_synapse/admin/v1/server_version',
  auth: 'none',
  response: Type.Object({ server_version: Type.String() }),
  since: 'unstable',
  spec: 'https://element-hq.github.io/synapse/latest/admin_api/version_api.html',
});

/** The servers that share rooms with this one, and how they can be reached. */
export const listDestinations = endpoint({
  id: 'listDestinations',
  method: 'GET',
  path: '/_synapse/admin/v1/federation/destinations',
  auth: 'access-token',
  query: Type.Object({
    from: Type.Optional(QueryCountSchema),
    limit: Type.Optional(QueryCountSchema),
    destination: Type.Optional(Type.String()),
  }),
  response: Type.Object({ destinations: Type.Array(DestinationSchema), total: Type.Integer(), next_token: Type.Optional(Type.String()) }),
  since: 'unstable',
  spec: FEDERATION,
});

/** One of them. */
export const getDestination = endpoint({
  id: 'getDestination',
  method: 'GET',
  path: '/_synapse/admin/v1/federation/destinations/:destination',
  auth: 'access-token',
  params,
  response: DestinationSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: FEDERATION,
});

/** Has a server tried again now that could not be reached. */
export const resetDestination = endpoint({
  id: 'resetDestination',
  method: 'POST',
  path: '/_synapse/admin/v1/federation/destinations/:destination/reset_connection',
  auth: 'access-token',
  params,
  body: EmptySchema,
  response: EmptySchema,
  errors: ['M_NOT_FOUND', 'M_UNKNOWN'],
  since: 'unstable',
  spec: FEDERATION,
});

const noticeBody = Type.Object({
  user_id: UserIdSchema,
  content: JsonObjectSchema,
  type: Type.Optional(Type.String()),
  state_key: Type.Optional(Type.String()),
});

/** Tells somebody of this server something in the server's name. */
export const sendServerNotice = endpoint({
  id: 'sendServerNotice',
  method: 'POST',
  path: '/_synapse/admin/v1/send_server_notice',
  auth: 'access-token',
  body: noticeBody,
  response: Type.Object({ event_id: EventIdSchema }),
  errors: ['M_NOT_FOUND', 'M_UNKNOWN'],
  since: 'unstable',
  spec: NOTICES,
});

/** The same, once however often it is sent. */
export const putServerNotice = endpoint({
  id: 'putServerNotice',
  method: 'PUT',
  path: '/_synapse/admin/v1/send_server_notice/:txnId',
  auth: 'access-token',
  params: Type.Object({ txnId: Type.String() }),
  body: noticeBody,
  response: Type.Object({ event_id: EventIdSchema }),
  errors: ['M_NOT_FOUND', 'M_UNKNOWN'],
  since: 'unstable',
  spec: NOTICES,
});
