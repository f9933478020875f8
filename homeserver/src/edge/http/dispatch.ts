import type { Context, Middleware } from 'koa';
import { invalidParam, notJson, unrecognizedMethod, unrecognizedPath, unrecognizedPushRule } from '../../platform/matrix-error.ts';
import { createBodyBudgets } from './body-budget.ts';
import { createBodyTurns } from './body-turns.ts';
import { networkOf } from './client-ip.ts';
import { dropNullOptions } from './drop-null-options.ts';
import { createHeavyTurns } from './heavy-calls.ts';
import { createIdentifyCaller, type IdentifyCallerDeps, type RequestLabels } from './identify-caller.ts';
import { limitSubjects } from './limit-subjects.ts';
import { NEEDS_BODY } from './needed-bodies.ts';
import { isStorableText, readJsonBody } from './read-json-body.ts';
import { readQuery } from './read-query.ts';
import type { Requester } from './requester.ts';
import { type Call, isRawResponse, type Route } from './route.ts';
import { createRouteTable } from './route-table.ts';
import { sendAnswer } from './send-answer.ts';
import { createRequestValidator, type RequestValidator } from './validate.ts';
import { bridgedRequest, readBytes, toHttpRequest } from './wire-request.ts';

const PUSH_RULES = /^\/_matrix\/client\/[^/]+\/pushrules\/./;

const MAX_JSON_BYTES = 1024 * 1024;
/** A transaction of 50 PDUs and 100 EDUs, each as large as it may be, is about 10 MB. */
const MAX_FEDERATION_JSON_BYTES = 16 * 1024 * 1024;

export type DispatchDeps = IdentifyCallerDeps & {
  routes: readonly Route[];
  /** Told of answers that are not what the endpoint promises; they are sent all the same. For tests: it costs time. */
  onBadResponse?: ((operation: string, fault: string) => void) | undefined;
};

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
export function createDispatch({ routes, onBadResponse, ...deps }: DispatchDeps): Middleware {
  const { limitRate } = deps;
  const identifyCaller = createIdentifyCaller(deps);
  const table = createRouteTable(routes);
  const budgets = createBodyBudgets();
  const takeBodyTurn = createBodyTurns();
  const takeHeavyTurn = createHeavyTurns();
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
    const readSigned = () => readBytes(wire, route, MAX_FEDERATION_JSON_BYTES, budgets);
    const { requester, origin, signedBody, isExempt } = await identifyCaller({ route, request, query, labels: labelsOf(ctx), readSigned });

    // 3.
    const validator = validators.get(route);
    for (const value of Object.values(params)) if (!isStorableText(value)) throw invalidParam('The path may not hold NUL');
    validator?.params(params);
    validator?.query(query);
    const caller = origin ?? requester?.userId ?? networkOf(request.ip);
    let body: unknown;
    if (endpoint.body !== 'raw') {
      request.bytes ??= await readBytes(wire, route, MAX_JSON_BYTES, budgets);
      if (request.bytes.length === 0 && NEEDS_BODY.has(endpoint.id)) throw notJson('The body is empty, where a JSON object is needed');
      const { bytes } = request;
      body = origin === undefined ? await takeBodyTurn(caller, bytes.length, async () => readJsonBody(bytes)) : signedBody;
      dropNullOptions(endpoint.body, body);
      validator?.body(body);
    }
    if (!isExempt) limitSubjects(limitRate, endpoint.id, { caller, params, body });

    // 4.
    const call = createCall({ params, query, body, requester, origin, request, operation: endpoint.id });
    const handle = async () => await route.handle(call as Call<never, never, never>); // the validators above vouch for the types
    const answer = isExempt ? await handle() : await takeHeavyTurn({ operation: endpoint.id, caller, query }, handle);
    if (onBadResponse !== undefined && !isRawResponse(answer)) {
      const fault = validator?.findResponseFault(JSON.parse(JSON.stringify(answer)));
      if (fault !== undefined) onBadResponse(endpoint.id, fault);
    }
    await sendAnswer(ctx, answer);
  };
}

export function labelsOf(ctx: Context): RequestLabels {
  return ctx.state as RequestLabels;
}

/** The paths whose unknown ones are told as `M_UNRECOGNIZED`; everything else belongs to the web app. */
export function isApiPath(path: string): boolean {
  return path.startsWith('/_') || path.startsWith('/oauth2/') || path === '/account' || path === '/account/picture';
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

/** Servers tell a path below the push rules that names no rule, kind or attribute from one that they do not serve at all. */
function isBelowPushRules(path: string): boolean {
  return PUSH_RULES.test(path);
}
