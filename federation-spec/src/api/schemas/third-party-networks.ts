import { type Static, Type } from 'typebox';
import { RoomAliasSchema, UserIdSchema } from './ids.ts';
import { JsonObjectSchema, mapOf } from './json.ts';

/** A network that an application service bridges to. https://spec.matrix.org/latest/application-service-api/#third-party-networks */
export const ProtocolSchema = Type.Object({
  user_fields: Type.Array(Type.String()),
  location_fields: Type.Array(Type.String()),
  icon: Type.String(),
  field_types: mapOf(Type.Object({ regexp: Type.String(), placeholder: Type.String() })),
  instances: Type.Array(
    Type.Object({
      desc: Type.String(),
      icon: Type.Optional(Type.String()),
      fields: JsonObjectSchema,
      network_id: Type.String(),
      /** The homeserver adds it, to tell apart what several application services offer. */
      instance_id: Type.Optional(Type.String()),
    }),
  ),
});
export type Protocol = Static<typeof ProtocolSchema>;

/** A room of such a network, and the alias it has here. */
export const LocationsSchema = Type.Array(Type.Object({ alias: RoomAliasSchema, protocol: Type.String(), fields: JsonObjectSchema }));
export type Locations = Static<typeof LocationsSchema>;

/** A user of such a network, and the user id they have here. */
export const ThirdPartyUsersSchema = Type.Array(Type.Object({ userid: UserIdSchema, protocol: Type.String(), fields: JsonObjectSchema }));
export type ThirdPartyUsers = Static<typeof ThirdPartyUsersSchema>;
