import { type Static, Type } from 'typebox';
import { RoomIdSchema } from './ids.ts';
import { JsonObjectSchema, mapOf } from './json.ts';

/** One room key, encrypted by the client that backed it up. https://spec.matrix.org/latest/client-server-api/#server-side-key-backups */
export const KeyBackupDataSchema = Type.Object({
  first_message_index: Type.Integer({ minimum: 0 }),
  forwarded_count: Type.Integer({ minimum: 0 }),
  is_verified: Type.Boolean(),
  session_data: JsonObjectSchema,
});
export type KeyBackupData = Static<typeof KeyBackupDataSchema>;

/** The keys of one room, by session id. */
export const RoomKeyBackupSchema = Type.Object({ sessions: mapOf(KeyBackupDataSchema) });
export type RoomKeyBackup = Static<typeof RoomKeyBackupSchema>;

/** The keys of many rooms, by room id. */
export const RoomKeysSchema = Type.Object({ rooms: mapOf(RoomKeyBackupSchema) });
export type RoomKeys = Static<typeof RoomKeysSchema>;

/** What an upload or a deletion of keys leaves in the backup. */
export const RoomKeysUpdateSchema = Type.Object({ count: Type.Integer(), etag: Type.String() });

/** The version of the backup that keys are written to or read from. */
export const BackupVersionQuerySchema = Type.Object({ version: Type.String() });

export const BackupRoomParamsSchema = Type.Object({ roomId: RoomIdSchema });
export const BackupSessionParamsSchema = Type.Object({ roomId: RoomIdSchema, sessionId: Type.String() });
export const BackupVersionParamsSchema = Type.Object({ version: Type.String() });

/** A backup: how its keys are encrypted, and how much is in it. */
export const BackupVersionSchema = Type.Object({
  algorithm: Type.String(),
  auth_data: JsonObjectSchema,
  count: Type.Integer(),
  etag: Type.String(),
  version: Type.String(),
});
export type BackupVersion = Static<typeof BackupVersionSchema>;
