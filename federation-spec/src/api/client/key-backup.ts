import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema, JsonObjectSchema } from '../schemas/json.ts';
import {
  BackupRoomParamsSchema,
  BackupSessionParamsSchema,
  BackupVersionParamsSchema,
  BackupVersionQuerySchema,
  BackupVersionSchema,
  KeyBackupDataSchema,
  RoomKeyBackupSchema,
  RoomKeysSchema,
  RoomKeysUpdateSchema,
} from '../schemas/key-backup.ts';

/** Delete the keys from the backup. https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3room_keyskeys */
export const deleteRoomKeys = endpoint({
  id: 'deleteRoomKeys',
  method: 'DELETE',
  path: '/_matrix/client/v3/room_keys/keys',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys'],
  auth: 'access-token',
  query: BackupVersionQuerySchema,
  response: RoomKeysUpdateSchema,
  errors: ['M_NOT_FOUND'],
});

/** Retrieve the keys from the backup. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3room_keyskeys */
export const getRoomKeys = endpoint({
  id: 'getRoomKeys',
  method: 'GET',
  path: '/_matrix/client/v3/room_keys/keys',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys'],
  auth: 'access-token',
  query: BackupVersionQuerySchema,
  response: RoomKeysSchema,
  errors: ['M_NOT_FOUND'],
});

/** Store several keys in the backup. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3room_keyskeys */
export const putRoomKeys = endpoint({
  id: 'putRoomKeys',
  method: 'PUT',
  path: '/_matrix/client/v3/room_keys/keys',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys'],
  auth: 'access-token',
  query: BackupVersionQuerySchema,
  body: RoomKeysSchema,
  response: RoomKeysUpdateSchema,
  errors: ['M_WRONG_ROOM_KEYS_VERSION', 'M_NOT_FOUND'],
});

/**
 * Delete the keys from the backup for a given room.
 * https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3room_keyskeysroomid
 */
export const deleteRoomKeysByRoomId = endpoint({
  id: 'deleteRoomKeysByRoomId',
  method: 'DELETE',
  path: '/_matrix/client/v3/room_keys/keys/:roomId',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys/:roomId'],
  auth: 'access-token',
  params: BackupRoomParamsSchema,
  query: BackupVersionQuerySchema,
  response: RoomKeysUpdateSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Retrieve the keys from the backup for a given room.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3room_keyskeysroomid
 */
export const getRoomKeysByRoomId = endpoint({
  id: 'getRoomKeysByRoomId',
  method: 'GET',
  path: '/_matrix/client/v3/room_keys/keys/:roomId',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys/:roomId'],
  auth: 'access-token',
  params: BackupRoomParamsSchema,
  query: BackupVersionQuerySchema,
  response: RoomKeyBackupSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Store several keys in the backup for a given room.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3room_keyskeysroomid
 */
export const putRoomKeysByRoomId = endpoint({
  id: 'putRoomKeysByRoomId',
  method: 'PUT',
  path: '/_matrix/client/v3/room_keys/keys/:roomId',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys/:roomId'],
  auth: 'access-token',
  params: BackupRoomParamsSchema,
  query: BackupVersionQuerySchema,
  body: RoomKeyBackupSchema,
  response: RoomKeysUpdateSchema,
  errors: ['M_WRONG_ROOM_KEYS_VERSION', 'M_NOT_FOUND'],
});

/**
 * Delete a key from the backup.
 * https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid
 */
export const deleteRoomKeyBySessionId = endpoint({
  id: 'deleteRoomKeyBySessionId',
  method: 'DELETE',
  path: '/_matrix/client/v3/room_keys/keys/:roomId/:sessionId',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys/:roomId/:sessionId'],
  auth: 'access-token',
  params: BackupSessionParamsSchema,
  query: BackupVersionQuerySchema,
  response: RoomKeysUpdateSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Retrieve a key from the backup.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid
 */
export const getRoomKeyBySessionId = endpoint({
  id: 'getRoomKeyBySessionId',
  method: 'GET',
  path: '/_matrix/client/v3/room_keys/keys/:roomId/:sessionId',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys/:roomId/:sessionId'],
  auth: 'access-token',
  params: BackupSessionParamsSchema,
  query: BackupVersionQuerySchema,
  response: KeyBackupDataSchema,
  errors: ['M_NOT_FOUND'],
});

/** Store a key in the backup. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid */
export const putRoomKeyBySessionId = endpoint({
  id: 'putRoomKeyBySessionId',
  method: 'PUT',
  path: '/_matrix/client/v3/room_keys/keys/:roomId/:sessionId',
  alsoAt: ['/_matrix/client/unstable/room_keys/keys/:roomId/:sessionId'],
  auth: 'access-token',
  params: BackupSessionParamsSchema,
  query: BackupVersionQuerySchema,
  body: KeyBackupDataSchema,
  response: RoomKeysUpdateSchema,
  errors: ['M_WRONG_ROOM_KEYS_VERSION'],
});

/**
 * Get information about the latest backup version.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3room_keysversion
 */
export const getRoomKeysVersionCurrent = endpoint({
  id: 'getRoomKeysVersionCurrent',
  method: 'GET',
  path: '/_matrix/client/v3/room_keys/version',
  alsoAt: ['/_matrix/client/unstable/room_keys/version'],
  auth: 'access-token',
  response: BackupVersionSchema,
  errors: ['M_NOT_FOUND'],
});

/** Create a new backup. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3room_keysversion */
export const postRoomKeysVersion = endpoint({
  id: 'postRoomKeysVersion',
  method: 'POST',
  path: '/_matrix/client/v3/room_keys/version',
  alsoAt: ['/_matrix/client/unstable/room_keys/version'],
  auth: 'access-token',
  body: Type.Object({ algorithm: Type.String(), auth_data: JsonObjectSchema }),
  response: Type.Object({ version: Type.String() }),
});

/** Delete an existing key backup. https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3room_keysversionversion */
export const deleteRoomKeysVersion = endpoint({
  id: 'deleteRoomKeysVersion',
  method: 'DELETE',
  path: '/_matrix/client/v3/room_keys/version/:version',
  alsoAt: ['/_matrix/client/unstable/room_keys/version/:version'],
  auth: 'access-token',
  params: BackupVersionParamsSchema,
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Get information about an existing backup.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3room_keysversionversion
 */
export const getRoomKeysVersion = endpoint({
  id: 'getRoomKeysVersion',
  method: 'GET',
  path: '/_matrix/client/v3/room_keys/version/:version',
  alsoAt: ['/_matrix/client/unstable/room_keys/version/:version'],
  auth: 'access-token',
  params: BackupVersionParamsSchema,
  response: BackupVersionSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Update information about an existing backup.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3room_keysversionversion
 */
export const putRoomKeysVersion = endpoint({
  id: 'putRoomKeysVersion',
  method: 'PUT',
  path: '/_matrix/client/v3/room_keys/version/:version',
  alsoAt: ['/_matrix/client/unstable/room_keys/version/:version'],
  auth: 'access-token',
  params: BackupVersionParamsSchema,
  body: Type.Object({
    algorithm: Type.String(),
    auth_data: JsonObjectSchema,
    version: Type.Optional(Type.String()),
  }),
  response: EmptySchema,
  errors: ['M_INVALID_PARAM', 'M_NOT_FOUND'],
});
