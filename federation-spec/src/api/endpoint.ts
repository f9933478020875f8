import { type Static, type TObject, type TSchema, Type } from 'typebox';

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
  /** Other paths of the same operation: unstable prefixes and older versions that clients still call. */
  alsoAt: readonly string[];
  auth: EndpointAuth;
  params: Params;
  query: Query;
  body: Body;
  response: Response;
  /** Error codes the specification names for this operation, beside the common ones. */
  errors: readonly string[];
  rateLimit: RateLimitClass;
  /** The first release of the specification that has it, such as `v1.1`. */
  since: string;
  deprecated: boolean;
  /** Link to the specification or the proposal. */
  spec: string;
};

type Given<Params extends TObject, Query extends TObject, Body extends TSchema | RawBody, Response extends TSchema | RawBody> = Pick<
  Endpoint<Params, Query, Body, Response>,
  'id' | 'method' | 'path' | 'auth' | 'response' | 'spec'
> &
  Partial<Omit<Endpoint<Params, Query, Body, Response>, 'id' | 'method' | 'path' | 'auth' | 'response' | 'spec'>>;

const NOTHING = Type.Object({});

/** Declares an endpoint. What is left out takes its plain value: no parameters, no body, no aliases, the default rate limit. */
export function endpoint<
  Params extends TObject = TObject<Record<never, never>>,
  Query extends TObject = TObject<Record<never, never>>,
  Body extends TSchema | RawBody = TObject<Record<never, never>>,
  Response extends TSchema | RawBody = TSchema,
>(given: Given<Params, Query, Body, Response>): Endpoint<Params, Query, Body, Response> {
  return {
    alsoAt: [],
    params: NOTHING as unknown as Params,
    query: NOTHING as unknown as Query,
    body: NOTHING as unknown as Body,
    errors: [],
    rateLimit: 'default',
    since: 'v1.1',
    deprecated: false,
    ...given,
  };
}

/** The TypeScript type of a body or a response. */
export type Payload<Schema extends TSchema | RawBody> = Schema extends TSchema ? Static<Schema> : never;
