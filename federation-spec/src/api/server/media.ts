import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';

/**
 * Download content from the content repository.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1mediadownloadmediaid
 */
export const getContent = endpoint({
  id: 'getContent',
  method: 'GET',
  path: '/_matrix/federation/v1/media/download/:mediaId',
  auth: 'federation',
  params: Type.Object({ mediaId: Type.String() }),
  query: Type.Object({ timeout_ms: Type.Optional(QueryCountSchema) }),
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'federation',
  since: 'v1.11',
});

/**
 * Download a thumbnail of content from the content repository.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1mediathumbnailmediaid
 */
export const getContentThumbnail = endpoint({
  id: 'getContentThumbnail',
  method: 'GET',
  path: '/_matrix/federation/v1/media/thumbnail/:mediaId',
  auth: 'federation',
  params: Type.Object({ mediaId: Type.String() }),
  query: Type.Object({
    width: QueryCountSchema,
    height: QueryCountSchema,
    method: Type.Optional(Type.Enum(['crop', 'scale'])),
    timeout_ms: Type.Optional(QueryCountSchema),
    animated: Type.Optional(QueryBooleanSchema),
  }),
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'federation',
  since: 'v1.11',
});
