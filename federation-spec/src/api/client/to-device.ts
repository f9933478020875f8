import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema, JsonObjectSchema, mapOf } from '../schemas/json.ts';

/**
 * Send an event to a given set of devices.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid
 */
export const sendToDevice = endpoint({
  id: 'sendToDevice',
  method: 'PUT',
  path: '/_matrix/client/v3/sendToDevice/:eventType/:txnId',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ eventType: Type.String(), txnId: Type.String() }),
  body: Type.Object({ messages: mapOf(mapOf(JsonObjectSchema)) }),
  response: EmptySchema,
  rateLimit: 'message',
});
