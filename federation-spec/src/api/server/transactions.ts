import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { mapOf } from '../schemas/json.ts';
import { TransactionSchema } from '../schemas/pdus.ts';

/** Send a transaction. https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv1sendtxnid */
export const sendTransaction = endpoint({
  id: 'sendTransaction',
  method: 'PUT',
  path: '/_matrix/federation/v1/send/:txnId',
  auth: 'federation',
  params: Type.Object({ txnId: Type.String() }),
  body: TransactionSchema,
  /** By event id: empty when the event was taken, with an error when it was not. */
  response: Type.Object({ pdus: mapOf(Type.Object({ error: Type.Optional(Type.String()) })) }),
  rateLimit: 'federation',
});
