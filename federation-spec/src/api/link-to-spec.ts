const SPEC = 'https://spec.matrix.org/latest';

/** Which part of the specification describes the paths below each prefix; the first that fits counts. */
const PARTS = [
  ['/.well-known/matrix/server', 'server-server-api'],
  ['/.well-known/', 'client-server-api'],
  ['/_matrix/client/', 'client-server-api'],
  ['/_matrix/media/', 'client-server-api'],
  ['/_matrix/app/', 'application-service-api'],
  ['/_matrix/push/', 'push-gateway-api'],
] as const;

/**
 * The link to an operation in the newest specification: its anchors are the method and the path, all but letters, digits,
 * `-` and `_` left out, so `PUT /_matrix/client/v3/rooms/:roomId/leave` gives `#put_matrixclientv3roomsroomidleave`.
 */
export function linkToSpec(method: string, path: string): string {
  const part = PARTS.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'server-server-api';
  return `${SPEC}/${part}/#${`${method}${path}`.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '')}`;
}
