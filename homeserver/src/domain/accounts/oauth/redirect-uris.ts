export type ApplicationType = 'web' | 'native';

const MAX_URI_CHARACTERS = 2_048;
const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** An `https` URL without user or password; undefined when the text is none. */
export function parseHttpsUrl(text: string): URL | undefined {
  const url = text.length > MAX_URI_CHARACTERS ? null : URL.parse(text);
  return url !== null && url.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined;
}

/** Whether a host is the client's own or a subdomain of it. */
export function isWithinHost(host: string, clientUri: URL): boolean {
  return host === clientUri.hostname || host.endsWith(`.${clientUri.hostname}`);
}

/**
 * Whether a client of this type may register a redirect URI.
 * https://spec.matrix.org/latest/client-server-api/#redirect-uri-validation
 */
export function isRegistrableRedirectUri(redirectUri: string, clientUri: URL, type: ApplicationType): boolean {
  if (redirectUri.length > MAX_URI_CHARACTERS || redirectUri.includes('#') || !/^[\x21-\x7e]+$/.test(redirectUri)) return false;
  const url = URL.parse(redirectUri);
  if (url === null) return false;
  if (url.protocol === 'https:') return isWithinHost(url.hostname, clientUri) && url.username === '' && url.password === '';
  if (type !== 'native') return false;
  if (url.protocol === 'http:') return isLoopbackUrl(url) && !hasPort(redirectUri);
  return isPrivateUse(redirectUri, clientUri);
}

/**
 * A scheme that is the client's host name backwards, and no authority behind it. Schemes that browsers know, such as `javascript`, have
 * no dot in them. https://www.rfc-editor.org/rfc/rfc8252#section-7.1
 */
function isPrivateUse(redirectUri: string, clientUri: URL): boolean {
  const [scheme = '', rest = ''] = splitScheme(redirectUri);
  if (!clientUri.hostname.includes('.')) return false;
  const reversed = clientUri.hostname.split('.').reverse().join('.');
  return (scheme === reversed || scheme.startsWith(`${reversed}.`)) && !rest.startsWith('//');
}

function splitScheme(uri: string): [string, string] {
  const colon = uri.indexOf(':');
  return [uri.slice(0, colon).toLowerCase(), uri.slice(colon + 1)];
}

function isLoopbackUrl(url: URL): boolean {
  return LOOPBACK_HOSTS.includes(url.hostname) && url.username === '' && url.password === '';
}

/** The URL parser drops a port that is the scheme's own, so the text is looked at. */
function hasPort(uri: string): boolean {
  const authority = /^[a-z]+:\/\/([^/?]*)/i.exec(uri)?.[1] ?? '';
  return /:\d*$/.test(authority);
}

/** Whether an address to go back to is one of the registered ones: the same text, but for the port of a loopback address. */
export function matchesRedirectUri(given: string, registered: readonly string[]): boolean {
  if (registered.includes(given)) return true;
  const url = given.length > MAX_URI_CHARACTERS || given.includes('#') ? null : URL.parse(given);
  if (url === null || url.protocol !== 'http:' || !isLoopbackUrl(url)) return false;
  const withoutPort = given.replace(/^(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])):\d{1,5}(?=[/?]|$)/, '$1');
  return registered.includes(withoutPort);
}
