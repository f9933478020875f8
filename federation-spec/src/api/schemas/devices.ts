import { type Static, Type } from 'typebox';
import { DeviceIdSchema, TimestampSchema } from './ids.ts';

/** A device as its owner sees it. https://spec.matrix.org/latest/client-server-api/#device-management */
export const DeviceSchema = Type.Object({
  device_id: DeviceIdSchema,
  display_name: Type.Optional(Type.String()),
  last_seen_ip: Type.Optional(Type.String()),
  last_seen_ts: Type.Optional(TimestampSchema),
});
export type Device = Static<typeof DeviceSchema>;
