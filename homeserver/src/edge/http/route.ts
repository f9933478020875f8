import type { Readable } from 'node:stream';
import type { Endpoint, Payload, RawBody } from 'federation-spec/api/endpoint.ts';
import type { Static, TObject, TSchema } from 'typebox';
import type { HttpRequest } from './http-request.ts';
import type { Requester } from './requester.ts';

/** What a handler is given. Everything typed here was validated against the endpoint's schemas. */
export type Call<Params, Query, Body> = {
  params: Params;
  query: Query;
  body: Body;
  /** Who calls. Reading it on an endpoint that lets anyone in throws: use `maybeRequester` there. */
  readonly requester: Requester;
  /** Who calls an endpoint with an optional access token, if they sent one. */
  maybeRequester: Requester | undefined;
  /** The server that signed a federation request. Reading it elsewhere throws. */
  readonly origin: string;
  request: HttpRequest;
};

/** An answer that is not simply 200 and JSON of the endpoint's response type. */
export type RawResponse = {
  readonly kind: 'raw';
  status: number;
  headers: Readonly<Record<string, string | readonly string[]>>;
  content:
    | { kind: 'none' }
    | { kind: 'json'; value: unknown }
    /** JSON that is serialised already. */
    | { kind: 'text'; text: string }
    | { kind: 'bytes'; bytes: Uint8Array }
    | { kind: 'stream'; stream: Readable; length: number | undefined };
};

type RawContent =
  | { json: unknown }
  | { text: string }
  | { bytes: Uint8Array }
  | { stream: Readable; length?: number }
  | Record<never, never>;

/** Answers with a status, headers and a body of the handler's own making. The content type is JSON unless a header says otherwise. */
export function raw(given: { status?: number; headers?: RawResponse['headers'] } & RawContent): RawResponse {
  const content: RawResponse['content'] =
    'json' in given
      ? { kind: 'json', value: given.json }
      : 'text' in given
        ? { kind: 'text', text: given.text }
        : 'bytes' in given
          ? { kind: 'bytes', bytes: given.bytes }
          : 'stream' in given
            ? { kind: 'stream', stream: given.stream, length: given.length }
            : { kind: 'none' };
  return { kind: 'raw', status: given.status ?? 200, headers: given.headers ?? {}, content };
}

export type RouteOptions = {
  /** The largest JSON body; a megabyte unless said otherwise. */
  maxBodyBytes?: number;
};

/** An endpoint and what serves it. */
export type Route = {
  endpoint: Endpoint;
  options: RouteOptions;
  handle: (call: Call<never, never, never>) => Promise<unknown>;
};

/**
 * Serves an endpoint. The handler translates between the wire's names and the domain's, and nothing else: by the time it runs the
 * caller is known, within its limits, and the request has the endpoint's shape.
 */
export function route<Params extends TObject, Query extends TObject, Body extends TSchema | RawBody, Response extends TSchema | RawBody>(
  endpoint: Endpoint<Params, Query, Body, Response>,
  handle: (call: Call<Static<Params>, Static<Query>, Payload<Body>>) => Promise<Payload<Response> | RawResponse>,
  options: RouteOptions = {},
): Route {
  return { endpoint: endpoint as Endpoint, handle: handle as Route['handle'], options };
}

export function isRawResponse(answer: unknown): answer is RawResponse {
  return typeof answer === 'object' && answer !== null && 'kind' in answer && answer.kind === 'raw' && 'content' in answer;
}
