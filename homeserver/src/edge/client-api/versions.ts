import { getVersions } from 'federation-spec/api/client/versions.ts';
import { type Route, route } from '../http/route.ts';

/** The newest release of the specification whose endpoints are all served: v1.19. */
const NEWEST_MINOR = 19;
/** It, and every release before it. */
const VERSIONS = Array.from({ length: NEWEST_MINOR }, (_, minor) => `v1.${minor + 1}`);

/** Proposals that clients ask for by name, those that are part of a release meanwhile included: older clients look for them here. */
const UNSTABLE_FEATURES: Readonly<Record<string, boolean>> = {
  'chat.blinkchat.delivered': true,
  'chat.blinkchat.live': true,
  'fi.mau.msc2659': true,
  'fi.mau.msc2659.stable': true,
  'io.element.msc4388': true,
  'org.matrix.e2e_cross_signing': true,
  'org.matrix.msc2285.stable': true,
  'org.matrix.msc2432': true,
  'org.matrix.msc2946': true,
  'org.matrix.msc3026.busy_presence': true,
  'org.matrix.msc3030': true,
  'org.matrix.msc3266': true,
  'org.matrix.msc3391': true,
  'org.matrix.msc3440.stable': true,
  'org.matrix.msc3771': true,
  'org.matrix.msc3773': true,
  'org.matrix.msc3814': true,
  'org.matrix.msc3874': true,
  'org.matrix.msc3823.account_suspension': true,
  'org.matrix.msc3827.stable': true,
  'org.matrix.msc3856': true,
  'org.matrix.msc3881': true,
  'org.matrix.msc3881.stable': true,
  'org.matrix.msc3882': true,
  'org.matrix.msc3890': true,
  'org.matrix.msc3916.stable': true,
  'org.matrix.msc3981': true,
  'org.matrix.msc4028': true,
  'org.matrix.msc4108': true,
  'org.matrix.msc4115': true,
  'org.matrix.msc4140': true,
  'org.matrix.msc4143': true,
  'org.matrix.msc4151': true,
  'org.matrix.msc4155': true,
  'org.matrix.msc4222': true,
  'org.matrix.msc4260': true,
  'org.matrix.msc4306': true,
  'org.matrix.msc4354': true,
  'org.matrix.msc4380': true,
  'org.matrix.msc4380.stable': true,
  'org.matrix.simplified_msc3575': true,
  'uk.half-shot.msc2666.query_mutual_rooms': true,
  'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
  'uk.tcpip.msc4133': true,
  'uk.tcpip.msc4133.stable': true,
  'uk.timedout.msc4323': true,
};

/** `GET /_matrix/client/versions` */
export function versionsRoute(): Route {
  return route(getVersions, async () => ({ versions: ['r0.6.1', ...VERSIONS], unstable_features: { ...UNSTABLE_FEATURES } }));
}
