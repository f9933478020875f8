import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema, ServerNameSchema, TimestampSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';

/*
 * What existing tools call to moderate files: Synapse's media admin API.
 */

const MEDIA = 'https://element-hq.github.io/synapse/latest/admin_api/media_admin_api.html';
const USER_MEDIA = 'https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#list-media-uploaded-by-a-user';

const PlaceSchema = Type.Object({ serverName: ServerNameSchema, mediaId: Type.String() });
const CountSchema = Type.Object({ num_quarantined: Type.Integer() });
const DeletedSchema = Type.Object({ deleted_media: Type.Array(Type.String()), total: Type.Integer() });

/** Withholds all media of a room. */
export const quarantineRoomMedia = endpoint({
  id: 'quarantineRoomMedia',
  method: 'POST',
  path: '/_synapse/admin/v1/room/:roomId/media/quarantine',
  alsoAt: ['/_synapse/admin/v1/quarantine_media/:roomId'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: CountSchema,
  since: 'unstable',
  spec: `${MEDIA}#quarantining-media-in-a-room`,
});

/** Withholds all media of a person. */
export const quarantineUserMedia = endpoint({
  id: 'quarantineUserMedia',
  method: 'POST',
  path: '/_synapse/admin/v1/user/:userId/media/quarantine',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  response: CountSchema,
  since: 'unstable',
  spec: `${MEDIA}#quarantining-all-media-of-a-user`,
});

/** Withholds one file. */
export const quarantineMedia = endpoint({
  id: 'quarantineMedia',
  method: 'POST',
  path: '/_synapse/admin/v1/media/quarantine/:serverName/:mediaId',
  auth: 'access-token',
  params: PlaceSchema,
  response: EmptySchema,
  since: 'unstable',
  spec: `${MEDIA}#quarantining-media-by-id`,
});

/** Gives a withheld file back. */
export const unquarantineMedia = endpoint({
  id: 'unquarantineMedia',
  method: 'POST',
  path: '/_synapse/admin/v1/media/unquarantine/:serverName/:mediaId',
  auth: 'access-token',
  params: PlaceSchema,
  response: EmptySchema,
  since: 'unstable',
  spec: `${MEDIA}#remove-media-from-quarantine-by-id`,
});

/** What is done with one file of ours. */
const OF_OUR_FILE = {
  method: 'POST',
  auth: 'access-token',
  params: Type.Object({ mediaId: Type.String() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
} as const;

/** Keeps one of our files from ever being withheld. */
export const protectMedia = endpoint({
  id: 'protectMedia',
  ...OF_OUR_FILE,
  path: '/_synapse/admin/v1/media/protect/:mediaId',
  spec: `${MEDIA}#protecting-media-from-being-quarantined`,
});

/** Lets one of our files be withheld again. */
export const unprotectMedia = endpoint({
  id: 'unprotectMedia',
  ...OF_OUR_FILE,
  path: '/_synapse/admin/v1/media/unprotect/:mediaId',
  spec: `${MEDIA}#unprotecting-media-from-being-quarantined`,
});

/** What is known of one file, ours or another server's. */
export const getMediaInfo = endpoint({
  id: 'getMediaInfo',
  method: 'GET',
  path: '/_synapse/admin/v1/media/:serverName/:mediaId',
  auth: 'access-token',
  params: PlaceSchema,
  response: Type.Object({
    media_info: Type.Object({
      media_id: Type.String(),
      /** Null for our own. */
      media_origin: Type.Union([ServerNameSchema, Type.Null()]),
      user_id: Type.Union([UserIdSchema, Type.Null()]),
      media_type: Type.Union([Type.String(), Type.Null()]),
      media_length: Type.Union([Type.Integer(), Type.Null()]),
      upload_name: Type.Union([Type.String(), Type.Null()]),
      created_ts: TimestampSchema,
      last_access_ts: TimestampSchema,
      quarantined_by: Type.Union([Type.String(), Type.Null()]),
      /** Only those who show a token may read it. */
      authenticated: Type.Boolean(),
      safe_from_quarantine: Type.Boolean(),
      sha256: Type.Union([Type.String(), Type.Null()]),
    }),
  }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: `${MEDIA}#query-a-piece-of-media-by-id`,
});

/** Lists the media that a room's readable events name. */
export const listRoomMedia = endpoint({
  id: 'listRoomMedia',
  method: 'GET',
  path: '/_synapse/admin/v1/room/:roomId/media',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: Type.Object({ local: Type.Array(Type.String()), remote: Type.Array(Type.String()) }),
  since: 'unstable',
  spec: `${MEDIA}#list-all-media-in-a-room`,
});

/** Removes one of our files. */
export const deleteMedia = endpoint({
  id: 'deleteMedia',
  method: 'DELETE',
  path: '/_synapse/admin/v1/media/:serverName/:mediaId',
  auth: 'access-token',
  params: PlaceSchema,
  response: DeletedSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: `${MEDIA}#delete-a-specific-local-media`,
});

/** Removes our files that were not read since a time, or are large. */
export const deleteOldMedia = endpoint({
  id: 'deleteOldMedia',
  method: 'POST',
  path: '/_synapse/admin/v1/media/delete',
  alsoAt: ['/_synapse/admin/v1/media/:serverName/delete'],
  auth: 'access-token',
  params: Type.Object({ serverName: Type.Optional(Type.String()) }),
  query: Type.Object({
    before_ts: QueryCountSchema,
    size_gt: Type.Optional(QueryCountSchema),
    keep_profiles: Type.Optional(QueryBooleanSchema),
  }),
  response: DeletedSchema,
  since: 'unstable',
  spec: `${MEDIA}#delete-local-media-by-date-or-size`,
});

/** Removes other servers' files that were not read since a time. */
export const purgeMediaCache = endpoint({
  id: 'purgeMediaCache',
  method: 'POST',
  path: '/_synapse/admin/v1/purge_media_cache',
  auth: 'access-token',
  query: Type.Object({ before_ts: QueryCountSchema }),
  response: Type.Object({ deleted: Type.Integer() }),
  since: 'unstable',
  spec: `${MEDIA}#purge-remote-media-api`,
});

/** Lists the files of a person. */
export const listUserMedia = endpoint({
  id: 'listUserMedia',
  method: 'GET',
  path: '/_synapse/admin/v1/users/:userId/media',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  query: Type.Object({ from: Type.Optional(QueryCountSchema), limit: Type.Optional(QueryCountSchema) }),
  response: Type.Object({
    media: Type.Array(
      Type.Object({
        media_id: Type.String(),
        media_type: Type.Union([Type.String(), Type.Null()]),
        media_length: Type.Union([Type.Integer(), Type.Null()]),
        upload_name: Type.Union([Type.String(), Type.Null()]),
        created_ts: TimestampSchema,
        last_access_ts: TimestampSchema,
        quarantined_by: Type.Union([Type.String(), Type.Null()]),
        safe_from_quarantine: Type.Boolean(),
      }),
    ),
    total: Type.Integer(),
    next_token: Type.Optional(Type.Integer()),
  }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USER_MEDIA,
});

/** Removes the files of a person. */
export const deleteUserMedia = endpoint({
  id: 'deleteUserMedia',
  method: 'DELETE',
  path: '/_synapse/admin/v1/users/:userId/media',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  response: DeletedSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: USER_MEDIA,
});
