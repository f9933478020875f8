import { type Static, Type } from 'typebox';
import { DeviceIdSchema, UserIdSchema } from './ids.ts';
import { JsonObjectSchema, mapOf } from './json.ts';
import { SignaturesSchema } from './signatures.ts';

/** https://spec.matrix.org/latest/client-server-api/#device-keys */
export const DeviceKeysSchema = Type.Object({
  user_id: UserIdSchema,
  device_id: DeviceIdSchema,
  algorithms: Type.Array(Type.String()),
  /** By `<algorithm>:<device id>`. */
  keys: mapOf(Type.String()),
  signatures: SignaturesSchema,
  /** What the homeserver adds, such as `device_display_name`; not signed. */
  unsigned: Type.Optional(JsonObjectSchema),
});
export type DeviceKeys = Static<typeof DeviceKeysSchema>;

/**
 * The same as servers take and pass on keys: a client that cannot use what another one left out or never signed does not, and a server
 * that refused it would lose the keys that are good.
 */
export const LooseDeviceKeysSchema = Type.Object({
  ...Type.Partial(DeviceKeysSchema).properties,
  signatures: Type.Optional(mapOf(mapOf(Type.String()))),
});

/** https://spec.matrix.org/latest/client-server-api/#cross-signing */
export const CrossSigningKeySchema = Type.Object({
  user_id: UserIdSchema,
  usage: Type.Array(Type.Enum(['master', 'self_signing', 'user_signing'])),
  /** Exactly one, by `<algorithm>:<unpadded base64 public key>`. */
  keys: mapOf(Type.String()),
  /** May be absent on a master key only. */
  signatures: Type.Optional(SignaturesSchema),
});
export type CrossSigningKey = Static<typeof CrossSigningKeySchema>;

/** A one-time or fallback key: bare, or signed by its device. */
export const OneTimeKeySchema = Type.Union([
  Type.String(),
  Type.Object({
    key: Type.String(),
    /** Absent from what was never signed, which no client takes. */
    signatures: Type.Optional(mapOf(mapOf(Type.String()))),
    fallback: Type.Optional(Type.Boolean()),
  }),
]);
export type OneTimeKey = Static<typeof OneTimeKeySchema>;

/** By `<algorithm>:<key id>`. */
export const OneTimeKeysSchema = mapOf(OneTimeKeySchema);
export type OneTimeKeys = Static<typeof OneTimeKeysSchema>;

/** By user, by device, by `<algorithm>:<key id>`: the one key claimed. */
export const ClaimedKeysSchema = mapOf(mapOf(OneTimeKeysSchema));
export type ClaimedKeys = Static<typeof ClaimedKeysSchema>;
