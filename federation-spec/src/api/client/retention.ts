import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { mapOf } from '../schemas/json.ts';

/** Milliseconds. */
const LimitsSchema = Type.Object({ min: Type.Optional(Type.Integer()), max: Type.Optional(Type.Integer()) });

/** How long messages are kept, by room id or `*`, and what rooms may set. https://github.com/matrix-org/matrix-spec-proposals/pull/1763 */
export const getRetentionConfiguration = endpoint({
  id: 'getRetentionConfiguration',
  method: 'GET',
  path: '/_matrix/client/unstable/org.matrix.msc1763/retention/configuration',
  auth: 'access-token',
  response: Type.Object({
    policies: mapOf(Type.Object({ min_lifetime: Type.Optional(Type.Integer()), max_lifetime: Type.Optional(Type.Integer()) })),
    limits: Type.Object({ min_lifetime: Type.Optional(LimitsSchema), max_lifetime: Type.Optional(LimitsSchema) }),
  }),
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/1763',
});
