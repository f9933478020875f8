import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { BasicEventSchema, ClientEventSchema } from '../schemas/events.ts';
import { EmptySchema } from '../schemas/json.ts';

/**
 * Send some events to the application service.
 * https://spec.matrix.org/latest/application-service-api/#put_matrixappv1transactionstxnid
 */
export const sendTransaction = endpoint({
  id: 'sendTransaction',
  method: 'PUT',
  path: '/_matrix/app/v1/transactions/:txnId',
  auth: 'homeserver',
  params: Type.Object({ txnId: Type.String() }),
  body: Type.Object({ events: Type.Array(ClientEventSchema), ephemeral: Type.Optional(Type.Array(BasicEventSchema)) }),
  response: EmptySchema,
  rateLimit: 'none',
});
