import { pingAppservice, updateAppserviceRoomDirectoryVisibility } from 'federation-spec/api/client/appservice.ts';
import type { PingAppservice } from '../../domain/appservices/ping.ts';
import type { ListByAppservice } from '../../domain/directory/appservice-directory.ts';
import { forbidden } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

type Deps = { ping: PingAppservice; listByAppservice: ListByAppservice; nidOf: (appserviceId: string) => number | undefined };

/** What only application services ask for. https://spec.matrix.org/latest/application-service-api/#client-server-api-extensions */
export function appserviceRoutes({ ping, listByAppservice, nidOf }: Deps): Route[] {
  return [
    route(pingAppservice, async ({ params, body, requester }) => {
      const askedBy = requester.appservice?.id ?? '';
      return { duration_ms: await ping({ id: params.appserviceId, askedBy, transactionId: body.transaction_id }) };
    }),
    route(updateAppserviceRoomDirectoryVisibility, async ({ params: { networkId, roomId }, body, requester }) => {
      const appserviceNid = nidOf(requester.appservice?.id ?? '');
      if (appserviceNid === undefined) throw forbidden('Only application services have directories of their own');
      await listByAppservice({ appserviceNid, networkId, roomId, isListed: body.visibility === 'public' });
      return {};
    }),
  ];
}
