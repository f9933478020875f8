import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { JsonObjectSchema, mapOf } from '../schemas/json.ts';

const SwitchSchema = Type.Object({ enabled: Type.Boolean() });

/** Those of the specification, and any others by names of their own. */
const CapabilitiesSchema = Type.Intersect([
  Type.Object({
    'm.change_password': Type.Optional(SwitchSchema),
    'm.forget_forced_upon_leave': Type.Optional(SwitchSchema),
    'm.room_versions': Type.Optional(Type.Object({ default: Type.String(), available: mapOf(Type.Enum(['stable', 'unstable'])) })),
    'm.set_displayname': Type.Optional(SwitchSchema),
    'm.set_avatar_url': Type.Optional(SwitchSchema),
    'm.3pid_changes': Type.Optional(SwitchSchema),
    'm.get_login_token': Type.Optional(SwitchSchema),
    'm.profile_fields': Type.Optional(
      Type.Object({
        allowed: Type.Optional(Type.Array(Type.String())),
        disallowed: Type.Optional(Type.Array(Type.String())),
        enabled: Type.Boolean(),
      }),
    ),
    'm.account_moderation': Type.Optional(Type.Object({ suspend: Type.Optional(Type.Boolean()), lock: Type.Optional(Type.Boolean()) })),
  }),
  JsonObjectSchema,
]);

/**
 * Gets information about the server's capabilities.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3capabilities
 */
export const getCapabilities = endpoint({
  id: 'getCapabilities',
  method: 'GET',
  path: '/_matrix/client/v3/capabilities',
  auth: 'access-token',
  guests: true,
  response: Type.Object({ capabilities: CapabilitiesSchema }),
});
