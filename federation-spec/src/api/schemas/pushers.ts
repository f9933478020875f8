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
  /** Whether it pushes at all, and whose it is. https://github.com/matrix-org/matrix-spec-proposals/pull/3881 */
  'org.matrix.msc3881.enabled': Type.Optional(Type.Boolean()),
  'org.matrix.msc3881.device_id': Type.Optional(Type.String()),
  enabled: Type.Optional(Type.Boolean()),
  device_id: Type.Optional(Type.String()),
});
export type Pusher = Static<typeof PusherSchema>;
