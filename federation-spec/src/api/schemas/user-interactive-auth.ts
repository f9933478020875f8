import { type Static, Type } from 'typebox';
import { JsonObjectSchema } from './json.ts';

/**
 * The `auth` a client sends with its second and later tries: which stage it has done, and the session; each stage adds keys of its own.
 * https://spec.matrix.org/latest/client-server-api/#user-interactive-authentication-api
 */
export const AuthenticationDataSchema = Type.Intersect([
  Type.Object({ type: Type.Optional(Type.String()), session: Type.Optional(Type.String()) }),
  JsonObjectSchema,
]);
export type AuthenticationData = Static<typeof AuthenticationDataSchema>;

/** The 401 that says what is still to be done: the flows on offer, and the stages completed. */
export const AuthenticationResponseSchema = Type.Object({
  flows: Type.Array(Type.Object({ stages: Type.Array(Type.String()) })),
  /** What a stage needs to be shown, by stage. */
  params: Type.Optional(JsonObjectSchema),
  session: Type.Optional(Type.String()),
  completed: Type.Optional(Type.Array(Type.String())),
  /** Why the last stage tried was refused. */
  errcode: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
});
export type AuthenticationResponse = Static<typeof AuthenticationResponseSchema>;
