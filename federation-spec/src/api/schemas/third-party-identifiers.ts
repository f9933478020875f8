import { type Static, Type } from 'typebox';
import { UserIdSchema } from './ids.ts';
import { SignaturesSchema } from './signatures.ts';

/** Asks that a one-time token be mailed to prove that an address is one's own. */
export const EmailTokenRequestSchema = Type.Object({
  client_secret: Type.String({ pattern: '^[0-9a-zA-Z.=_-]{1,255}$' }),
  email: Type.String(),
  /** Counted up to ask for another mail; the same number asks for nothing new. */
  send_attempt: Type.Integer(),
  /** Where to send the browser after the link in the mail was followed. */
  next_link: Type.Optional(Type.String()),
  id_server: Type.Optional(Type.String()),
  id_access_token: Type.Optional(Type.String()),
});

/** The same, by text message. */
export const PhoneTokenRequestSchema = Type.Object({
  client_secret: Type.String({ pattern: '^[0-9a-zA-Z.=_-]{1,255}$' }),
  /** Two letters, ISO 3166-1 alpha-2: where the number is dialled as given. */
  country: Type.String(),
  phone_number: Type.String(),
  send_attempt: Type.Integer(),
  next_link: Type.Optional(Type.String()),
  id_server: Type.Optional(Type.String()),
  id_access_token: Type.Optional(Type.String()),
});

/** The session that the token proves, and where to submit the token. */
export const TokenSessionSchema = Type.Object({ sid: Type.String(), submit_url: Type.Optional(Type.String()) });

/** Whether an identity server forgot the address too. */
export const UnbindResultSchema = Type.Object({ id_server_unbind_result: Type.Enum(['no-support', 'success']) });

/** Invites by an address, through an identity server. */
export const ThirdPartyInviteSchema = Type.Object({
  id_server: Type.String(),
  /** Required by the specification, absent from clients older than release r0.5. */
  id_access_token: Type.Optional(Type.String()),
  medium: Type.String(),
  address: Type.String(),
});
export type ThirdPartyInvite = Static<typeof ThirdPartyInviteSchema>;

/** Proof by an identity server that `mxid` owns the address an invite went to. */
export const ThirdPartySignedSchema = Type.Object({
  sender: UserIdSchema,
  mxid: UserIdSchema,
  token: Type.String(),
  signatures: SignaturesSchema,
});
/** The same between servers, where who invited stands beside it. */
export const ThirdPartyProofSchema = Type.Object({ mxid: UserIdSchema, token: Type.String(), signatures: SignaturesSchema });
export type ThirdPartySigned = Static<typeof ThirdPartySignedSchema>;
