import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { PresenceStateSchema } from '../schemas/users.ts';

/** Get this user's presence state. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3presenceuseridstatus */
export const getPresence = endpoint({
  id: 'getPresence',
  method: 'GET',
  path: '/_matrix/client/v3/presence/:userId/status',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  response: Type.Object({
    presence: PresenceStateSchema,
    last_active_ago: Type.Optional(Type.Integer()),
    status_msg: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    currently_active: Type.Optional(Type.Boolean()),
  }),
  errors: ['M_FORBIDDEN'],
});

/** Update this user's presence state. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3presenceuseridstatus */
export const setPresence = endpoint({
  id: 'setPresence',
  method: 'PUT',
  path: '/_matrix/client/v3/presence/:userId/status',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  body: Type.Object({ presence: PresenceStateSchema, status_msg: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
  response: EmptySchema,
});
