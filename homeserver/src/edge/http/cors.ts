/** Lets web clients of any origin in. https://spec.matrix.org/latest/client-server-api/#web-browser-clients */
const CORS_HEADERS: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization',
  'Access-Control-Expose-Headers': 'Retry-After',
};

/** Where two devices meet, versions are told and asked by ETag. */
const RENDEZVOUS = '/_matrix/client/unstable/org.matrix.msc4108/rendezvous';
const ETAG_CORS_HEADERS: Readonly<Record<string, string>> = {
  ...CORS_HEADERS,
  'Access-Control-Allow-Headers': 'X-Requested-With, Content-Type, Authorization, If-Match, If-None-Match',
  'Access-Control-Expose-Headers': 'Retry-After, ETag',
};

/** What the pages of other origins are told about a path that they may call. */
export function corsHeadersOf(path: string): Readonly<Record<string, string>> {
  return path.startsWith(RENDEZVOUS) ? ETAG_CORS_HEADERS : CORS_HEADERS;
}

/** Of OAuth 2.0, what clients call themselves; the pages that people see belong to nobody else's page. */
const CROSS_ORIGIN_OAUTH_PATHS: readonly string[] = ['/oauth2/token', '/oauth2/revoke', '/oauth2/register', '/oauth2/device'];

/** The paths that web pages of other origins may call. */
export function isCrossOriginPath(path: string): boolean {
  if (CROSS_ORIGIN_OAUTH_PATHS.includes(path)) return true;
  return path.startsWith('/_matrix/') || path.startsWith('/.well-known/matrix/') || path.startsWith('/_synapse/');
}
