import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema } from '../schemas/json.ts';

/** Ping the application service. https://spec.matrix.org/latest/application-service-api/#post_matrixappv1ping */
export const ping = endpoint({
  id: 'ping',
  method: 'POST',
  path: '/_matrix/app/v1/ping',
  auth: 'homeserver',
  body: Type.Object({ transaction_id: Type.Optional(Type.String()) }),
  response: EmptySchema,
  rateLimit: 'none',
  since: 'v1.7',
});
