import { forbidden, guestAccessForbidden, missingToken, userSuspended } from '../../platform/matrix-error.ts';
import { networkOf } from './client-ip.ts';
import type { HttpRequest } from './http-request.ts';
import type { RateLimiter } from './rate-limit.ts';
import { readAccessToken } from './read-access-token.ts';
import type { Authenticate, Requester, VerifyOrigin } from './requester.ts';
import type { Route } from './route.ts';
import { ALLOWED_WHILE_LOCKED, FORBIDDEN_WHILE_SUSPENDED } from './suspension.ts';

export type IdentifyCallerDeps = {
  authenticate: Authenticate;
  verifyOrigin: VerifyOrigin;
  limitRate: RateLimiter;
  /** Whether a token, sent where none is needed, frees its owner of limits: an application service that registers its users. */
  isUnlimited?: ((accessToken: string) => boolean) | undefined;
};

/** What one request is known as in the log and in the metrics. */
export type RequestLabels = { operation: string; requester: string | undefined };

type Asked = {
  route: Route;
  request: HttpRequest;
  query: Readonly<Record<string, string | string[]>>;
  /** Is told who calls as soon as that is known, also when they are refused afterwards. */
  labels: RequestLabels;
  /** Reads the body that a federation request is signed with. */
  readSigned: () => Promise<Uint8Array>;
};

export type Caller = {
  /** The account, where an access token was sent. */
  requester: Requester | undefined;
  /** The server, and the body as it signed it, of a federation request. */
  origin: string | undefined;
  signedBody: unknown;
  /** Whether the caller is held to no limits. */
  isExempt: boolean;
};

/**
 * Finds out who calls, and holds them to their limits: a server by the signature of its request, an account by its access token, whoever
 * else by their address. Throws what the endpoint's kind of authentication, the account's state or the limits refuse.
 */
export function createIdentifyCaller({ authenticate, verifyOrigin, limitRate, isUnlimited }: IdentifyCallerDeps) {
  async function identifyServer({ route, request, labels, readSigned }: Asked): Promise<Caller> {
    const { rateLimit } = route.endpoint;
    const network = networkOf(request.ip);
    limitRate(rateLimit, network);
    request.bytes = await readSigned();
    const { origin, body: signedBody } = await verifyOrigin({
      network,
      method: request.method,
      uri: request.url,
      userAgent: request.headers['user-agent'] ?? '',
      authorization: request.headerValues('authorization'),
      bytes: request.bytes.length === 0 ? undefined : request.bytes,
    });
    limitRate(rateLimit, origin);
    labels.requester = origin;
    return { requester: undefined, origin, signedBody, isExempt: false };
  }

  async function identifyAccount(accessToken: string, { route: { endpoint }, request, query, labels }: Asked): Promise<Requester> {
    const requester = await authenticate({
      accessToken,
      ip: request.ip,
      userAgent: request.headers['user-agent'] ?? '',
      assertedUserId: text(query['user_id']),
      assertedDeviceId: text(query['device_id'] ?? query['org.matrix.msc3202.device_id']),
      mayBeLocked: ALLOWED_WHILE_LOCKED.has(endpoint.id),
    });
    labels.requester = requester.userId;
    if (requester.isGuest && !endpoint.guests) throw guestAccessForbidden();
    if (requester.isSuspended === true && FORBIDDEN_WHILE_SUSPENDED.has(endpoint.id)) throw userSuspended();
    return requester;
  }

  return async function identifyCaller(asked: Asked): Promise<Caller> {
    const { auth, rateLimit } = asked.route.endpoint;
    if (auth === 'federation') return await identifyServer(asked);
    const token = readAccessToken(asked.request);
    const accessToken = auth === 'none' ? undefined : token;
    if (accessToken === undefined && needsToken(auth)) throw missingToken();
    const requester = accessToken === undefined ? undefined : await identifyAccount(accessToken, asked);
    if (auth === 'appservice' && requester?.appservice === undefined)
      throw forbidden('Only an application service may call this, with its as_token');
    const isExempt = requester === undefined ? token !== undefined && isUnlimited?.(token) === true : isUnlimitedRequester(requester);
    if (!isExempt) limitRate(rateLimit, requester?.userId ?? networkOf(asked.request.ip));
    return { requester, origin: undefined, signedBody: undefined, isExempt };
  };
}

/** Admins, and application services whose registration says so, are held to no limits. */
function isUnlimitedRequester({ isAdmin, appservice }: Requester): boolean {
  return isAdmin || appservice?.rateLimited === false;
}

function needsToken(auth: Route['endpoint']['auth']): boolean {
  return auth !== 'none' && auth !== 'optional-access-token';
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
