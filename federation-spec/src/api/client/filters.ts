import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { SyncFilterSchema } from '../schemas/filters.ts';
import { UserIdSchema } from '../schemas/ids.ts';

/** Upload a new filter. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3useruseridfilter */
export const defineFilter = endpoint({
  id: 'defineFilter',
  method: 'POST',
  path: '/_matrix/client/v3/user/:userId/filter',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  body: SyncFilterSchema,
  response: Type.Object({ filter_id: Type.String() }),
});

/** Download a filter. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3useruseridfilterfilterid */
export const getFilter = endpoint({
  id: 'getFilter',
  method: 'GET',
  path: '/_matrix/client/v3/user/:userId/filter/:filterId',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, filterId: Type.String() }),
  response: SyncFilterSchema,
});
