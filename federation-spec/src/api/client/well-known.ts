import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { UserIdSchema } from '../schemas/ids.ts';
import { DiscoverySchema } from '../schemas/well-known.ts';

/**
 * Gets Matrix server discovery information about the domain.
 * https://spec.matrix.org/latest/client-server-api/#getwell-knownmatrixclient
 */
export const getWellknown = endpoint({
  id: 'getWellknown',
  method: 'GET',
  path: '/.well-known/matrix/client',
  auth: 'none',
  response: DiscoverySchema,
  rateLimit: 'none',
});

/**
 * Gets information about a Policy Server's configuration, if available.
 * https://spec.matrix.org/latest/client-server-api/#getwell-knownmatrixpolicy_server
 */
export const getWellknownPolicy = endpoint({
  id: 'getWellknownPolicy',
  method: 'GET',
  path: '/.well-known/matrix/policy_server',
  auth: 'none',
  response: Type.Object({ public_keys: Type.Object({ ed25519: Type.String() }) }),
  rateLimit: 'none',
  since: 'v1.18',
});

/** Gets homeserver contacts and support details. https://spec.matrix.org/latest/client-server-api/#getwell-knownmatrixsupport */
export const getWellknownSupport = endpoint({
  id: 'getWellknownSupport',
  method: 'GET',
  path: '/.well-known/matrix/support',
  auth: 'none',
  response: Type.Object({
    contacts: Type.Optional(
      Type.Array(
        Type.Object({
          matrix_id: Type.Optional(UserIdSchema),
          email_address: Type.Optional(Type.String()),
          role: Type.Enum(['m.role.admin', 'm.role.security']),
        }),
      ),
    ),
    support_page: Type.Optional(Type.String()),
  }),
  rateLimit: 'none',
  since: 'v1.10',
});
