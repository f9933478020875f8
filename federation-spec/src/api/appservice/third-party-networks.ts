import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { LocationsSchema, ProtocolSchema, ThirdPartyUsersSchema } from '../schemas/third-party-networks.ts';

/**
 * Reverse-lookup third-party locations given a Matrix room alias.
 * https://spec.matrix.org/latest/application-service-api/#get_matrixappv1thirdpartylocation
 */
export const queryLocationByAlias = endpoint({
  id: 'queryLocationByAlias',
  method: 'GET',
  path: '/_matrix/app/v1/thirdparty/location',
  auth: 'homeserver',
  query: Type.Object({ alias: Type.Optional(Type.String()) }),
  response: LocationsSchema,
  rateLimit: 'none',
});

/**
 * Retrieve Matrix-side portal rooms leading to a third-party location.
 * https://spec.matrix.org/latest/application-service-api/#get_matrixappv1thirdpartylocationprotocol
 */
export const queryLocationByProtocol = endpoint({
  id: 'queryLocationByProtocol',
  method: 'GET',
  path: '/_matrix/app/v1/thirdparty/location/:protocol',
  auth: 'homeserver',
  params: Type.Object({ protocol: Type.String() }),
  query: Type.Object({ fields: Type.Optional(Type.String()) }),
  response: LocationsSchema,
  rateLimit: 'none',
});

/**
 * Retrieve metadata about a specific protocol that the application service supports.
 * https://spec.matrix.org/latest/application-service-api/#get_matrixappv1thirdpartyprotocolprotocol
 */
export const getProtocolMetadata = endpoint({
  id: 'getProtocolMetadata',
  method: 'GET',
  path: '/_matrix/app/v1/thirdparty/protocol/:protocol',
  auth: 'homeserver',
  params: Type.Object({ protocol: Type.String() }),
  response: ProtocolSchema,
  rateLimit: 'none',
});

/**
 * Reverse-lookup third-party users given a Matrix User ID.
 * https://spec.matrix.org/latest/application-service-api/#get_matrixappv1thirdpartyuser
 */
export const queryUserByID = endpoint({
  id: 'queryUserByID',
  method: 'GET',
  path: '/_matrix/app/v1/thirdparty/user',
  auth: 'homeserver',
  query: Type.Object({ userid: Type.Optional(Type.String()) }),
  response: ThirdPartyUsersSchema,
  rateLimit: 'none',
});

/**
 * Retrieve the Matrix User ID of a corresponding third-party user.
 * https://spec.matrix.org/latest/application-service-api/#get_matrixappv1thirdpartyuserprotocol
 */
export const queryUserByProtocol = endpoint({
  id: 'queryUserByProtocol',
  method: 'GET',
  path: '/_matrix/app/v1/thirdparty/user/:protocol',
  auth: 'homeserver',
  params: Type.Object({ protocol: Type.String() }),
  query: Type.Object({ fields: Type.Optional(Type.String()) }),
  response: ThirdPartyUsersSchema,
  rateLimit: 'none',
});
