import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { TimestampSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';
import { UnbindResultSchema } from '../schemas/third-party-identifiers.ts';

/*
 * Looking after accounts, by the calls of Synapse's admin API that existing tools make.
 */

const USERS = 'https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html';
const nullable = <Schema extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);
const params = Type.Object({ userId: UserIdSchema });

const AccountSummarySchema = Type.Object({
  name: UserIdSchema,
  displayname: nullable(Type.String()),
  avatar_url: nullable(Type.String()),
  is_guest: Type.Boolean(),
  admin: Type.Boolean(),
  user_type: Type.Null(),
  deactivated: Type.Boolean(),
  erased: Type.Boolean(),
  shadow_banned: Type.Boolean(),
  locked: Type.Boolean(),
  suspended: Type.Boolean(),
  /** Milliseconds. */
  creation_ts: TimestampSchema,
  last_seen_ts: nullable(Type.Integer()),
});

const AccountSchema = Type.Object({
  ...AccountSummarySchema.properties,
  threepids: Type.Array(
    Type.Object({ medium: Type.String(), address: Type.String(), added_at: TimestampSchema, validated_at: TimestampSchema }),
  ),
  external_ids: Type.Array(Type.Object({ auth_provider: Type.String(), external_id: Type.String() })),
});

/** The accounts of this server, page by page. */
export const listUsers = endpoint({
  id: 'listUsers',
  method: 'GET',
  path: '/_synapse/admin/v2/users',
  alsoAt: ['/_synapse/admin/v3/users'],
  auth: 'access-token',
  query: Type.Object({
    from: Type.Optional(QueryCountSchema),
    limit: Type.Optional(QueryCountSchema),
    user_id: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    guests: Type.Optional(QueryBooleanSchema),
    deactivated: Type.Optional(QueryBooleanSchema),
    admins: Type.Optional(QueryBooleanSchema),
    locked: Type.Optional(QueryBooleanSchema),
    order_by: Type.Optional(
      Type.Enum([
        'name',
        'is_guest',
        'admin',
        'user_type',
        'deactivated',
        'shadow_banned',
        'displayname',
        'avatar_url',
        'creation_ts',
        'last_seen_ts',
      ]),
    ),
    dir: Type.Optional(Type.Enum(['f', 'b'])),
  }),
  response: Type.Object({ users: Type.Array(AccountSummarySchema), total: Type.Integer(), next_token: Type.Optional(Type.String()) }),
  since: 'unstable',
  spec: USERS,
});

/** One account. */
export const getUser = endpoint({
  id: 'getUser',
  method: 'GET',
  path: '/_synapse/admin/v2/users/:userId',
  auth: 'access-token',
  params,
  response: AccountSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** Makes an account, or changes it: what is left out stays as it is. */
export const putUser = endpoint({
  id: 'putUser',
  method: 'PUT',
  path: '/_synapse/admin/v2/users/:userId',
  auth: 'access-token',
  params,
  body: Type.Object({
    password: Type.Optional(Type.String()),
    logout_devices: Type.Optional(Type.Boolean()),
    displayname: Type.Optional(Type.String()),
    avatar_url: Type.Optional(Type.String()),
    threepids: Type.Optional(Type.Array(Type.Object({ medium: Type.Enum(['email']), address: Type.String() }))),
    admin: Type.Optional(Type.Boolean()),
    locked: Type.Optional(Type.Boolean()),
    deactivated: Type.Optional(Type.Boolean()),
  }),
  response: AccountSchema,
  errors: ['M_INVALID_USERNAME', 'M_USER_IN_USE', 'M_THREEPID_IN_USE'],
  since: 'unstable',
  spec: USERS,
});

/** Ends an account for ever. */
export const deactivateUser = endpoint({
  id: 'deactivateUser',
  method: 'POST',
  path: '/_synapse/admin/v1/deactivate/:userId',
  auth: 'access-token',
  params,
  body: Type.Object({ erase: Type.Optional(Type.Boolean()) }),
  response: UnbindResultSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** Gives an account a new password. */
export const resetUserPassword = endpoint({
  id: 'resetUserPassword',
  method: 'POST',
  path: '/_synapse/admin/v1/reset_password/:userId',
  auth: 'access-token',
  params,
  body: Type.Object({ new_password: Type.String(), logout_devices: Type.Optional(Type.Boolean()) }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND', 'M_WEAK_PASSWORD'],
  since: 'unstable',
  spec: USERS,
});

/** Whether an account is an admin's. */
export const getUserAdmin = endpoint({
  id: 'getUserAdmin',
  method: 'GET',
  path: '/_synapse/admin/v1/users/:userId/admin',
  auth: 'access-token',
  params,
  response: Type.Object({ admin: Type.Boolean() }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** Makes an account an admin's, or not. */
export const setUserAdmin = endpoint({
  id: 'setUserAdmin',
  method: 'PUT',
  path: '/_synapse/admin/v1/users/:userId/admin',
  auth: 'access-token',
  params,
  body: Type.Object({ admin: Type.Boolean() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** The rooms somebody is in, as far as this server knows. */
export const listUserRooms = endpoint({
  id: 'listUserRooms',
  method: 'GET',
  path: '/_synapse/admin/v1/users/:userId/joined_rooms',
  auth: 'access-token',
  params,
  response: Type.Object({ joined_rooms: Type.Array(Type.String()), total: Type.Integer() }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** The devices of an account. */
export const listUserDevices = endpoint({
  id: 'listUserDevices',
  method: 'GET',
  path: '/_synapse/admin/v2/users/:userId/devices',
  auth: 'access-token',
  params,
  response: Type.Object({
    devices: Type.Array(
      Type.Object({
        device_id: Type.String(),
        display_name: nullable(Type.String()),
        last_seen_ip: nullable(Type.String()),
        last_seen_user_agent: nullable(Type.String()),
        last_seen_ts: nullable(Type.Integer()),
        user_id: UserIdSchema,
      }),
    ),
    total: Type.Integer(),
  }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** Logs devices out for ever. */
export const deleteUserDevices = endpoint({
  id: 'deleteUserDevices',
  method: 'POST',
  path: '/_synapse/admin/v2/users/:userId/delete_devices',
  auth: 'access-token',
  params,
  body: Type.Object({ devices: Type.Array(Type.String(), { maxItems: 1_000 }) }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** The same for one. */
export const deleteUserDevice = endpoint({
  id: 'deleteUserDevice',
  method: 'DELETE',
  path: '/_synapse/admin/v2/users/:userId/devices/:deviceId',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, deviceId: Type.String() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USERS,
});

/** Whether a user name is free, wherever people may sign up by other means. */
export const isUsernameFree = endpoint({
  id: 'isUsernameFree',
  method: 'GET',
  path: '/_synapse/admin/v1/username_available',
  auth: 'access-token',
  query: Type.Object({ username: Type.String() }),
  response: Type.Object({ available: Type.Boolean() }),
  errors: ['M_USER_IN_USE', 'M_INVALID_USERNAME'],
  since: 'unstable',
  spec: USERS,
});
