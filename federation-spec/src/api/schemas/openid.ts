import { type Static, Type } from 'typebox';
import { ServerNameSchema } from './ids.ts';

/** What a user hands to a third party to prove who they are. https://spec.matrix.org/latest/client-server-api/#openid */
export const OpenIdTokenSchema = Type.Object({
  access_token: Type.String(),
  token_type: Type.String(),
  matrix_server_name: ServerNameSchema,
  /** Seconds. */
  expires_in: Type.Integer(),
});
export type OpenIdToken = Static<typeof OpenIdTokenSchema>;
