import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { mapOf } from '../schemas/json.ts';
import { EduSchema, PduListSchema } from '../schemas/pdus.ts';

/** Send a transaction. https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv1sendtxnid */
export const sendTransaction = endpoint({
  id: 'sendTransaction',
  method: 'PUT',
  path: '/_matrix/federation/v1/send/:txnId',
  auth: 'federation',
  params: Type.Object({ txnId: Type.String() }),
  body: Type.Object({ ...PduListSchema.properties, edus: Type.Optional(Type.Array(EduSchema)) }),
  response: Type.Object({ pdus: mapOf(Type.Object({ error: Type.Optional(Type.String()) })) }),
  rateLimit: 'federation',
});
