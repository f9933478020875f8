import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema, JsonObjectSchema } from '../schemas/json.ts';
import { ProfileSchema } from '../schemas/users.ts';

/** Get all profile information for a user. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3profileuserid */
export const getUserProfile = endpoint({
  id: 'getUserProfile',
  method: 'GET',
  path: '/_matrix/client/v3/profile/:userId',
  auth: 'none',
  params: Type.Object({ userId: UserIdSchema }),
  response: ProfileSchema,
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND'],
});

/**
 * Remove a profile field from a user.
 * https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3profileuseridkeyname
 */
export const deleteProfileField = endpoint({
  id: 'deleteProfileField',
  method: 'DELETE',
  path: '/_matrix/client/v3/profile/:userId/:keyName',
  alsoAt: ['/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId/:keyName'],
  auth: 'access-token',
  guests: true,
  params: Type.Object({ userId: UserIdSchema, keyName: Type.String() }),
  response: EmptySchema,
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN'],
  since: 'v1.16',
});

/** Get a profile field for a user. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3profileuseridkeyname */
export const getProfileField = endpoint({
  id: 'getProfileField',
  method: 'GET',
  path: '/_matrix/client/v3/profile/:userId/:keyName',
  alsoAt: ['/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId/:keyName'],
  auth: 'none',
  params: Type.Object({ userId: UserIdSchema, keyName: Type.String() }),
  response: JsonObjectSchema,
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND'],
});

/** Set a profile field for a user. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3profileuseridkeyname */
export const setProfileField = endpoint({
  id: 'setProfileField',
  method: 'PUT',
  path: '/_matrix/client/v3/profile/:userId/:keyName',
  alsoAt: ['/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId/:keyName'],
  auth: 'access-token',
  guests: true,
  params: Type.Object({ userId: UserIdSchema, keyName: Type.String() }),
  body: JsonObjectSchema,
  response: EmptySchema,
  errors: ['M_INVALID_PARAM', 'M_MISSING_PARAM', 'M_PROFILE_TOO_LARGE', 'M_KEY_TOO_LARGE', 'M_FORBIDDEN'],
});
