import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema } from '../schemas/json.ts';

/**
 * Gets the current pushers for the authenticated user.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushers
 */
export const getPushers = endpoint({
  id: 'getPushers',
  method: 'GET',
  path: '/_matrix/client/v3/pushers',
  auth: 'access-token',
  response: Type.Object({
    pushers: Type.Optional(
      Type.Array(
        Type.Object({
          pushkey: Type.String(),
          kind: Type.String(),
          app_id: Type.String(),
          app_display_name: Type.String(),
          device_display_name: Type.String(),
          profile_tag: Type.Optional(Type.String()),
          lang: Type.String(),
          data: Type.Object({ url: Type.Optional(Type.String()), format: Type.Optional(Type.String()) }),
        }),
      ),
    ),
  }),
});

/**
 * Modify a pusher for this user on the homeserver.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3pushersset
 */
export const postPusher = endpoint({
  id: 'postPusher',
  method: 'POST',
  path: '/_matrix/client/v3/pushers/set',
  auth: 'access-token',
  body: Type.Object({
    pushkey: Type.String(),
    kind: Type.Union([Type.String(), Type.Null()]),
    app_id: Type.String(),
    app_display_name: Type.Optional(Type.String()),
    device_display_name: Type.Optional(Type.String()),
    profile_tag: Type.Optional(Type.String()),
    lang: Type.Optional(Type.String()),
    data: Type.Optional(Type.Object({ url: Type.Optional(Type.String()), format: Type.Optional(Type.Enum(['event_id_only'])) })),
    append: Type.Optional(Type.Boolean()),
  }),
  response: EmptySchema,
  errors: ['M_MISSING_PARAM'],
});
