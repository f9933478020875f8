import { type Static, Type } from 'typebox';
import { JsonObjectSchema } from './json.ts';

/** Where a pusher sends to, and how much it tells; other keys are passed on to the push gateway. */
export const PusherDataSchema = Type.Intersect([
  Type.Object({ url: Type.Optional(Type.String()), format: Type.Optional(Type.String()) }),
  JsonObjectSchema,
]);

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushers */
export const PusherSchema = Type.Object({
  pushkey: Type.String(),
  kind: Type.String(),
  app_id: Type.String(),
  app_display_name: Type.String(),
  device_display_name: Type.String(),
  profile_tag: Type.Optional(Type.String()),
  lang: Type.String(),
  data: PusherDataSchema,
});
export type Pusher = Static<typeof PusherSchema>;
