import { sendTransaction } from 'federation-spec/api/server/transactions.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import type { ReceiveTransaction } from '../../domain/federation/inbound/receive-transaction.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv1sendtxnid */
export function serverTransactionRoute(receive: ReceiveTransaction): Route {
  return route(sendTransaction, async ({ params, body, origin }) => {
    if (body.origin !== origin) throw invalidParam('The transaction names another origin than the request is signed by');
    const [pdus, edus] = [body.pdus ?? [], body.edus ?? []];
    return await receive({ origin, txnId: params.txnId, pdus: pdus.filter(isJsonObject), edus: edus.filter(isJsonObject) });
  });
}
