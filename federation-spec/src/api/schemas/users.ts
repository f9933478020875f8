import { type Static, Type } from 'typebox';
import { ContentUriSchema } from './ids.ts';
import { JsonObjectSchema } from './json.ts';

/**
 * Who logs in: `m.id.user` with `user`, `m.id.thirdparty` with `medium` and `address`, `m.id.phone` with `country` and `phone`.
 * https://spec.matrix.org/latest/client-server-api/#identifier-types
 */
export const UserIdentifierSchema = Type.Object({
  type: Type.String(),
  user: Type.Optional(Type.String()),
  medium: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  country: Type.Optional(Type.String()),
  phone: Type.Optional(Type.String()),
});
export type UserIdentifier = Static<typeof UserIdentifierSchema>;

/** The last is of a proposal: there, and not to be disturbed. https://github.com/matrix-org/matrix-spec-proposals/pull/3026 */
export const PresenceStateSchema = Type.Enum(['online', 'offline', 'unavailable', 'org.matrix.msc3026.busy']);
export type PresenceState = Static<typeof PresenceStateSchema>;

/** What is public of a user: the fields everyone knows, and any others. https://spec.matrix.org/latest/client-server-api/#profiles */
export const ProfileSchema = Type.Intersect([
  Type.Object({
    displayname: Type.Optional(Type.String()),
    avatar_url: Type.Optional(ContentUriSchema),
    'm.tz': Type.Optional(Type.String()),
  }),
  JsonObjectSchema,
]);
export type Profile = Static<typeof ProfileSchema>;
