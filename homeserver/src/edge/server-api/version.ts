import { getVersion } from 'federation-spec/api/server/version.ts';
import { type Route, route } from '../http/route.ts';

/** What this server is. */
export const VERSION = { server: { name: 'BlinkChat', version: '0.1.0' } };

/** https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1version */
export function serverVersionRoute(): Route {
  return route(getVersion, () => Promise.resolve(VERSION));
}
