import { getVersions } from 'federation-spec/api/client/versions.ts';
import { type Route, route } from '../http/route.ts';

/** Every release of the specification whose required endpoints are served. */
const VERSIONS = Array.from({ length: 19 }, (_, minor) => `v1.${minor + 1}`);

/** Proposals that clients ask for by their unstable name. */
const UNSTABLE_FEATURES: Readonly<Record<string, boolean>> = {
  'org.matrix.simplified_msc3575': true,
};

/** `GET /_matrix/client/versions` */
export function versionsRoute(): Route {
  return route(getVersions, async () => ({ versions: ['r0.6.1', ...VERSIONS], unstable_features: { ...UNSTABLE_FEATURES } }));
}
