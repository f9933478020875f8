import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { mapOf } from '../schemas/json.ts';
import { LocationsSchema, ProtocolSchema, ThirdPartyUsersSchema } from '../schemas/third-party-networks.ts';

/**
 * Reverse-lookup third-party locations given a Matrix room alias.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3thirdpartylocation
 */
export const queryLocationByAlias = endpoint({
  id: 'queryLocationByAlias',
  method: 'GET',
  path: '/_matrix/client/v3/thirdparty/location',
  auth: 'access-token',
  query: Type.Object({ alias: Type.String() }),
  response: LocationsSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Retrieve Matrix-side portals rooms leading to a third-party location.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3thirdpartylocationprotocol
 */
export const queryLocationByProtocol = endpoint({
  id: 'queryLocationByProtocol',
  method: 'GET',
  path: '/_matrix/client/v3/thirdparty/location/:protocol',
  auth: 'access-token',
  params: Type.Object({ protocol: Type.String() }),
  query: Type.Object({ fields: Type.Optional(Type.String()) }),
  response: LocationsSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Retrieve metadata about a specific protocol that the homeserver supports.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3thirdpartyprotocolprotocol
 */
export const getProtocolMetadata = endpoint({
  id: 'getProtocolMetadata',
  method: 'GET',
  path: '/_matrix/client/v3/thirdparty/protocol/:protocol',
  auth: 'access-token',
  params: Type.Object({ protocol: Type.String() }),
  response: ProtocolSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Retrieve metadata about all protocols that a homeserver supports.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3thirdpartyprotocols
 */
export const getProtocols = endpoint({
  id: 'getProtocols',
  method: 'GET',
  path: '/_matrix/client/v3/thirdparty/protocols',
  auth: 'access-token',
  response: mapOf(ProtocolSchema),
});

/**
 * Reverse-lookup third-party users given a Matrix User ID.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3thirdpartyuser
 */
export const queryUserByID = endpoint({
  id: 'queryUserByID',
  method: 'GET',
  path: '/_matrix/client/v3/thirdparty/user',
  auth: 'access-token',
  query: Type.Object({ userid: Type.String() }),
  response: ThirdPartyUsersSchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Retrieve the Matrix User ID of a corresponding third-party user.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3thirdpartyuserprotocol
 */
export const queryUserByProtocol = endpoint({
  id: 'queryUserByProtocol',
  method: 'GET',
  path: '/_matrix/client/v3/thirdparty/user/:protocol',
  auth: 'access-token',
  params: Type.Object({ protocol: Type.String() }),
  query: Type.Object({ fields: Type.Optional(Type.String()) }),
  response: ThirdPartyUsersSchema,
  errors: ['M_NOT_FOUND'],
});
