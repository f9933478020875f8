import type { Context, Middleware } from 'koa';
import {
  forbidden,
  guestAccessForbidden,
  invalidParam,
  missingToken,
  notJson,
  tooLarge,
  unrecognizedMethod,
  unrecognizedPath,
  unrecognizedPushRule,
  userSuspended,
} from '../../platform/matrix-error.ts';
import { type BodyBudgets, createBodyBudgets } from './body-budget.ts';
import type { BridgedResponse } from './bridged-response.ts';
import { networkOf } from './client-ip.ts';
import { dropNullOptions } from './drop-null-options.ts';
import type { HttpRequest } from './http-request.ts';
import { limitSubjects } from './limit-subjects.ts';
import { NEEDS_BODY } from './needed-bodies.ts';
import type { RateLimiter } from './rate-limit.ts';
import { readAccessToken } from './read-access-token.ts';
import { isStorableText, readJsonBody } from './read-json-body.ts';
import { readQuery } from './read-query.ts';
import type { Authenticate, Requester, VerifyOrigin } from './requester.ts';
import { type Call, isRawResponse, type RawResponse, type Route } from './route.ts';
import { createRouteTable } from './route-table.ts';
import { ALLOWED_WHILE_LOCKED, FORBIDDEN_WHILE_SUSPENDED } from './suspension.ts';
import type { BridgedRequest } from './uws-listener.ts';
import { createRequestValidator, type RequestValidator } from './validate.ts';

const PUSH_RULES = /^\/_matrix\/client\/[^/]+\/pushrules\/./;

const MAX_JSON_BYTES = 1024 * 1024;
/** A transaction of 50 PDUs and 100 EDUs, each as large as it may be, is about 10 MB. */
const MAX_FEDERATION_JSON_BYTES = 16 * 1024 * 1024;
const JSON_TYPE = 'application/json; charset=utf-8';

export type DispatchDeps = {
  routes: readonly Route[];
  authenticate: Authenticate;
  verifyOrigin: VerifyOrigin;
  limitRate: RateLimiter;
  /** Whether a token, sent where none is needed, frees its owner of limits: an application service that registers its users. */
  isUnlimited?: ((accessToken: string) => boolean) | undefined;
  /** Told of answers that are not what the endpoint promises; they are sent all the same. For tests: it costs time. */
  onBadResponse?: ((operation: string, fault: string) => void) | undefined;
};

/** What one request is known as in the log and in the metrics. */
export type RequestLabels = { operation: string; requester: string | undefined };

/**
 * Serves the endpoints:
 *
 * 1. find the route;
 * 2. find out who calls, and hold them to their limits (a federation request is signed with its body, so that is read first);
 * 3. check parameters, query and body against the endpoint's schemas;
 * 4. call the handler and send what it returns.
 *
 * A path that is not an API's is left to the next middleware.
 */
export function createDispatch({ routes, authenticate, verifyOrigin, limitRate, isUnlimited, onBadResponse }: DispatchDeps): Middleware {
  const table = createRouteTable(routes);
  const budgets = createBodyBudgets();
  const validators = new Map<Route, RequestValidator>(routes.map((route) => [route, createRequestValidator(route.endpoint)]));

  return async (ctx, next) => {
    // 1.
    const path = ctx.path;
    if (!isApiPath(path)) return await next();
    const match = table.find(ctx.method, path);
    if (match.kind === 'unknown-path') throw isBelowPushRules(ctx.path) ? unrecognizedPushRule() : unrecognizedPath();
    if (match.kind === 'unknown-method') throw isBelowPushRules(ctx.path) ? unrecognizedPushRule() : unrecognizedMethod(ctx.method);
    if (match.kind === 'bad-encoding') throw invalidParam('The path is not percent-encoded UTF-8');
    const { route, params } = match;
    const { endpoint } = route;
    labelsOf(ctx).operation = endpoint.id;
    const wire = bridgedRequest(ctx);
    const request = toHttpRequest(wire);
    const query = readQuery(ctx.querystring);

    // 2.
    let requester: Requester | undefined;
    let origin: string | undefined;
    let signedBody: unknown;
    let isExempt = false;
    if (endpoint.auth === 'federation') {
      const network = networkOf(request.ip);
      limitRate(endpoint.rateLimit, network);
      request.bytes = await readBytes(wire, route, MAX_FEDERATION_JSON_BYTES, budgets);
      ({ origin, body: signedBody } = await verifyOrigin({
        network,
        method: request.method,
        uri: request.url,
        authorization: request.headerValues('authorization'),
        bytes: request.bytes.length === 0 ? undefined : request.bytes,
      }));
      limitRate(endpoint.rateLimit, origin);
      labelsOf(ctx).requester = origin;
    } else {
      const token = readAccessToken(request);
      const accessToken = endpoint.auth === 'none' ? undefined : token;
      if (accessToken === undefined && needsToken(endpoint.auth)) throw missingToken();
      if (accessToken !== undefined) {
        const [assertedUserId, assertedDeviceId] = [
          text(query['user_id']),
          text(query['device_id'] ?? query['org.matrix.msc3202.device_id']),
        ];
        const userAgent = request.headers['user-agent'] ?? '';
        requester = await authenticate({
          accessToken,
          ip: request.ip,
          userAgent,
          assertedUserId,
          assertedDeviceId,
          mayBeLocked: ALLOWED_WHILE_LOCKED.has(endpoint.id),
        });
        labelsOf(ctx).requester = requester.userId;
        if (requester.isGuest && !endpoint.guests) throw guestAccessForbidden();
        if (requester.isSuspended === true && FORBIDDEN_WHILE_SUSPENDED.has(endpoint.id)) throw userSuspended();
      }
      if (endpoint.auth === 'appservice' && requester?.appservice === undefined)
        throw forbidden('Only an application service may call this, with its as_token');
      isExempt = requester === undefined ? token !== undefined && isUnlimited?.(token) === true : isUnlimitedRequester(requester);
      if (!isExempt) limitRate(endpoint.rateLimit, requester?.userId ?? networkOf(request.ip));
    }

    // 3.
    const validator = validators.get(route);
    for (const value of Object.values(params)) if (!isStorableText(value)) throw invalidParam('The path may not hold NUL');
    validator?.params(params);
    validator?.query(query);
    let body: unknown;
    if (endpoint.body !== 'raw') {
      request.bytes ??= await readBytes(wire, route, MAX_JSON_BYTES, budgets);
      if (request.bytes.length === 0 && NEEDS_BODY.has(endpoint.id)) throw notJson('The body is empty, where a JSON object is needed');
      body = origin === undefined ? readJsonBody(request.bytes) : signedBody;
      dropNullOptions(endpoint.body, body);
      validator?.body(body);
    }
    const caller = origin ?? requester?.userId ?? networkOf(request.ip);
    if (!isExempt) limitSubjects(limitRate, endpoint.id, { caller, params, body });

    // 4.
    const call = createCall({ params, query, body, requester, origin, request, operation: endpoint.id });
    const answer = await route.handle(call as Call<never, never, never>); // the validators above vouch for the types
    if (onBadResponse !== undefined && !isRawResponse(answer)) {
      const fault = validator?.findResponseFault(JSON.parse(JSON.stringify(answer)));
      if (fault !== undefined) onBadResponse(endpoint.id, fault);
    }
    await send(ctx, answer);
  };
}

export function labelsOf(ctx: Context): RequestLabels {
  return ctx.state as RequestLabels;
}

/** The paths whose unknown ones are told as `M_UNRECOGNIZED`; everything else belongs to the web app. */
export function isApiPath(path: string): boolean {
  return path.startsWith('/_') || path.startsWith('/oauth2/') || path === '/account' || path === '/account/picture';
}

function bridgedRequest(ctx: Context): BridgedRequest {
  return ctx.req as unknown as BridgedRequest; // Koa was given it by the listener
}

function toHttpRequest(wire: BridgedRequest): HttpRequest {
  const declared = Number(wire.headers['content-length']);
  return {
    method: wire.method,
    url: wire.url,
    headers: wire.headers,
    headerValues: wire.headerValues,
    ip: wire.ip,
    bytes: undefined,
    contentLength: wire.headers['content-length'] !== undefined && Number.isSafeInteger(declared) ? declared : undefined,
    get stream() {
      if (wire.body === undefined) throw new Error(`a ${wire.method} request has no body`);
      return wire.body.stream();
    },
    get signal() {
      return wire.signal;
    },
  };
}

async function readBytes(wire: BridgedRequest, { options }: Route, usual: number, budgets: BodyBudgets): Promise<Uint8Array> {
  const maxBytes = options.maxBodyBytes ?? usual;
  if (wire.body === undefined) return new Uint8Array();
  if (Number(wire.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(`The body may be at most ${maxBytes} bytes`);
  return await wire.body.readAll(maxBytes, budgets.of(networkOf(wire.ip)));
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

type CallParts = Omit<Call<unknown, unknown, unknown>, 'requester' | 'origin' | 'maybeRequester'> & {
  requester: Requester | undefined;
  origin: string | undefined;
  operation: string;
};

function createCall({ params, query, body, requester, origin, request, operation }: CallParts): Call<unknown, unknown, unknown> {
  return {
    params,
    query,
    body,
    request,
    maybeRequester: requester,
    get requester() {
      if (requester === undefined) throw new Error(`${operation} was called without an access token; its handler must use maybeRequester`);
      return requester;
    },
    get origin() {
      if (origin === undefined) throw new Error(`${operation} is not a federation endpoint: it has no origin`);
      return origin;
    },
  };
}

async function send(ctx: Context, answer: unknown): Promise<void> {
  const response = ctx.res as unknown as BridgedResponse; // Koa was given it by the listener
  ctx.respond = false;
  if (!isRawResponse(answer)) {
    response.statusCode = 200;
    response.setHeader('Content-Type', JSON_TYPE);
    response.end(JSON.stringify(answer));
    return;
  }
  await sendRaw(response, answer);
}

async function sendRaw(response: BridgedResponse, { status, headers, content }: RawResponse): Promise<void> {
  response.statusCode = status;
  if (content.kind === 'json' || content.kind === 'text') response.setHeader('Content-Type', JSON_TYPE);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (content.kind === 'stream') await response.sendStream(content.stream, content.length);
  else if (content.kind === 'none') response.end();
  else response.end(content.kind === 'json' ? JSON.stringify(content.value) : content.kind === 'text' ? content.text : content.bytes);
}

/** Servers tell a path below the push rules that names no rule, kind or attribute from one that they do not serve at all. */
function isBelowPushRules(path: string): boolean {
  return PUSH_RULES.test(path);
}
