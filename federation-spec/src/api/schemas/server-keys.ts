import { type Static, Type } from 'typebox';
import { ServerNameSchema, TimestampSchema } from './ids.ts';
import { mapOf } from './json.ts';
import { SignaturesSchema } from './signatures.ts';

/** The keys a server signs with, and those it used to. https://spec.matrix.org/latest/server-server-api/#publishing-keys */
export const ServerKeysSchema = Type.Object({
  server_name: ServerNameSchema,
  verify_keys: mapOf(Type.Object({ key: Type.String() })),
  /** Null where a server has none and signs that. */
  old_verify_keys: Type.Optional(Type.Union([mapOf(Type.Object({ key: Type.String(), expired_ts: TimestampSchema })), Type.Null()])),
  valid_until_ts: TimestampSchema,
  signatures: SignaturesSchema,
});
export type ServerKeys = Static<typeof ServerKeysSchema>;

/** What a notary knows of other servers' keys, each with its own signature added. */
export const NotaryKeysSchema = Type.Object({ server_keys: Type.Array(ServerKeysSchema) });
