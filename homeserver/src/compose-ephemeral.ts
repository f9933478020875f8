import { createEphemeral, type EphemeralDeps } from './domain/ephemeral/create-ephemeral.ts';
import { presenceRoutes } from './edge/client-api/presence.ts';
import { receiptRoutes } from './edge/client-api/receipts.ts';
import { typingRoute } from './edge/client-api/typing.ts';
import type { Route } from './edge/http/route.ts';

/** Receipts, typing and presence, and their routes. */
export function composeEphemeral(deps: EphemeralDeps) {
  const ephemeral = createEphemeral(deps);
  const routes: Route[] = [...receiptRoutes(ephemeral.receipts), typingRoute(ephemeral.typing), ...presenceRoutes(ephemeral.presence)];
  return { ...ephemeral, routes };
}
