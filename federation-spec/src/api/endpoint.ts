import { type Static, type TObject, type TSchema, Type } from 'typebox';
import { linkToSpec } from './link-to-spec.ts';

/** Who may call an endpoint, and how the caller proves it. */
export type EndpointAuth =
  | 'none'
  | 'access-token'
  /** Served to anyone; a token, when sent, must be good. */
  | 'optional-access-token'
  /** A server, by the X-Matrix signature over its request. */
  | 'federation'
  /** An application service, by its `as_token`. */
  | 'appservice'
  /** The homeserver, by the `hs_token` it shares with an application service. */
  | 'homeserver';

/** How costly or abusable a call is; the homeserver gives each class a bucket. */
export type RateLimitClass =
  | 'none'
  | 'default'
  | 'login'
  | 'registration'
  | 'mail'
  | 'message'
  | 'join'
  | 'invite'
  | 'media'
  | 'preview'
  | 'search'
  | 'federation';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A body or response that is not JSON: the bytes are handed on as a stream. */
export type RawBody = 'raw';

/**
 * One operation of an API, as data: served by the homeserver, called by client and bot.
 * Paths are written as routes (`:roomId`); their values arrive percent-decoded.
 */
export type Endpoint<
  Params extends TObject = TObject,
  Query extends TObject = TObject,
  Body extends TSchema | RawBody = TSchema | RawBody,
  Response extends TSchema | RawBody = TSchema | RawBody,
> = {
  /** The specification's operationId. */
  id: string;
  method: HttpMethod;
  path: string;
  /** Other paths of the same operation, such as unstable prefixes that clients still call; `listPaths` adds what `v3` was called before. */
  alsoAt: readonly string[];
  auth: EndpointAuth;
  /** Guest accounts may call it: https://spec.matrix.org/latest/client-server-api/#guest-access */
  guests: boolean;
  params: Params;
  /** Values arrive as text; `schemas/query.ts` has the schemas and reads numbers and booleans out of them. */
  query: Query;
  /** The body of a request without one counts as `{}`. */
  body: Body;
  response: Response;
  /** Error codes the specification names for this operation, beside the common ones. */
  errors: readonly string[];
  rateLimit: RateLimitClass;
  /** The first release of the specification that has it, such as `v1.1`; `unstable` for what is in no release. */
  since: string;
  deprecated: boolean;
  /** The operation with the same method and path whose handler serves this one too. */
  servedBy: string | undefined;
  /** Link to the specification or the proposal. */
  spec: string;
};

type Declaration<Params extends TObject, Query extends TObject, Body extends TSchema | RawBody, Response extends TSchema | RawBody> = Pick<
  Endpoint,
  'id' | 'method' | 'path' | 'auth'
> &
  Partial<Pick<Endpoint, 'alsoAt' | 'guests' | 'errors' | 'rateLimit' | 'since' | 'deprecated' | 'servedBy' | 'spec'>> & {
    params?: Params;
    query?: Query;
    body?: Body;
    response: Response;
  };

/** No parameters, or no body: any object will do, and nothing of it is read. */
type Nothing = TObject<Record<never, never>>;
const NOTHING: Nothing = Type.Object({});

/**
 * Declares an endpoint. What is left out takes its plain value: no parameters, no body, no aliases, the default rate limit,
 * the link to the operation in the newest specification.
 */
export function endpoint<
  Response extends TSchema | RawBody,
  Params extends TObject = Nothing,
  Query extends TObject = Nothing,
  Body extends TSchema | RawBody = Nothing,
>(declaration: Declaration<Params, Query, Body, Response>): Endpoint<Params, Query, Body, Response>;
export function endpoint(declaration: Declaration<TObject, TObject, TSchema | RawBody, TSchema | RawBody>): Endpoint {
  return {
    alsoAt: [],
    guests: false,
    params: NOTHING,
    query: NOTHING,
    body: NOTHING,
    errors: [],
    rateLimit: 'default',
    since: 'v1.1',
    deprecated: false,
    servedBy: undefined,
    spec: linkToSpec(declaration.method, declaration.path),
    ...declaration,
  };
}

/** The TypeScript type of a body or a response. */
export type Payload<Schema extends TSchema | RawBody> = Schema extends TSchema ? Static<Schema> : never;

/** The paths that had other names before: https://spec.matrix.org/v1.1/client-server-api/#changelog */
const VERSION_3 = /^(\/_matrix\/(client|media))\/v3\//;
/** What `v3` was called, by API. */
const OLD_NAMES: Readonly<Record<string, readonly string[]>> = { client: ['r0', 'api/v1', 'unstable'], media: ['r0', 'v1'] };

/**
 * Every path an operation is served at, the current one first. What is as old as the version 3 API is served by its older names too,
 * because older clients, servers and bots still say so.
 */
export function listPaths({ path, alsoAt, since }: Pick<Endpoint, 'path' | 'alsoAt' | 'since'>): string[] {
  const paths = [path, ...alsoAt];
  if (since !== 'v1.1') return paths;
  const old = paths.flatMap((each) => {
    const [prefix = '', root, api = ''] = VERSION_3.exec(each) ?? [];
    return (OLD_NAMES[api] ?? []).map((name) => `${root}/${name}/${each.slice(prefix.length)}`);
  });
  return [...new Set([...paths, ...old])];
}
