import { OAuthError } from './oauth-error.ts';

/** What a scope asks for: the whole API, for one device. */
export type Scope = { deviceId: string; granted: string };

const FULL_API = ['urn:matrix:client:api:*', 'urn:matrix:org.matrix.msc2967.client:api:*'];
const DEVICE_PREFIXES = ['urn:matrix:client:device:', 'urn:matrix:org.matrix.msc2967.client:device:'];
/** Scopes of OpenID Connect that clients ask for out of habit; they grant nothing here. */
const IGNORED = ['openid', 'email', 'profile', 'offline_access'];
const MAX_SCOPE_CHARACTERS = 2_048;
const DEVICE_ID = /^[A-Za-z0-9._~+/=-]{1,255}$/;

/**
 * Reads a scope: full access to the client-server API and exactly one device, by their stable or their older names. What is granted
 * is told in the names that were asked for.
 * https://spec.matrix.org/latest/client-server-api/#scope
 *
 * @throws OAuthError `invalid_scope`
 */
export function parseScope(scope: string): Scope {
  const tokens = scope.length > MAX_SCOPE_CHARACTERS ? [] : [...new Set(scope.split(' ').filter((token) => token !== ''))];
  const deviceTokens = tokens.filter((token) => DEVICE_PREFIXES.some((prefix) => token.startsWith(prefix)));
  const deviceIds = new Set(deviceTokens.map((token) => token.slice(DEVICE_PREFIXES.find((prefix) => token.startsWith(prefix))?.length)));
  const [deviceId] = deviceIds;
  const known = (token: string) => FULL_API.includes(token) || deviceTokens.includes(token);
  const unknown = tokens.find((token) => !known(token) && !IGNORED.includes(token));
  if (unknown !== undefined) throw new OAuthError('invalid_scope', `The scope ${unknown.slice(0, 100)} is not known here`);
  if (!tokens.some((token) => FULL_API.includes(token))) throw new OAuthError('invalid_scope', `The scope must include ${FULL_API[0]}`);
  if (deviceId === undefined || deviceIds.size !== 1) {
    throw new OAuthError('invalid_scope', `The scope must name exactly one device, as ${DEVICE_PREFIXES[0]}<device_id>`);
  }
  if (!DEVICE_ID.test(deviceId)) throw new OAuthError('invalid_scope', 'The device id has characters that are not allowed in one');
  return { deviceId, granted: tokens.filter(known).join(' ') };
}
