import { type Static, Type } from 'typebox';
import { JsonObjectSchema } from './json.ts';

/** Where a client finds the homeserver, and what else belongs to it. https://spec.matrix.org/latest/client-server-api/#well-known-uris */
export const DiscoverySchema = Type.Intersect([
  Type.Object({
    'm.homeserver': Type.Object({ base_url: Type.String() }),
    'm.identity_server': Type.Optional(Type.Object({ base_url: Type.String() })),
  }),
  JsonObjectSchema,
]);
export type Discovery = Static<typeof DiscoverySchema>;
