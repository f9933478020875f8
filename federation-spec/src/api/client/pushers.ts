import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema } from '../schemas/json.ts';
import { PusherDataSchema, PusherSchema } from '../schemas/pushers.ts';

/** Gets the current pushers for the user. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushers */
export const getPushers = endpoint({
  id: 'getPushers',
  method: 'GET',
  path: '/_matrix/client/v3/pushers',
  auth: 'access-token',
  response: Type.Object({ pushers: Type.Array(PusherSchema) }),
});

/**
 * Adds, changes or removes a pusher. All but `pushkey`, `kind` and `app_id` is required unless `kind` is null, which removes it.
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
    data: Type.Optional(PusherDataSchema),
    /** Whether other users may keep a pusher with the same key and app. */
    append: Type.Optional(Type.Boolean()),
    /** Whether it pushes at all; true when absent. https://github.com/matrix-org/matrix-spec-proposals/pull/3881 */
    enabled: Type.Optional(Type.Boolean()),
    'org.matrix.msc3881.enabled': Type.Optional(Type.Boolean()),
  }),
  response: EmptySchema,
  errors: ['M_MISSING_PARAM'],
});
