import { buildUri } from 'federation-spec/api/build-uri.ts';
import type { Endpoint, Payload, RawBody } from 'federation-spec/api/endpoint.ts';
import type { Static, TObject, TSchema } from 'typebox';
import { isJsonObject, type JsonObject, numberIn, stringIn } from '../json.ts';
import { ConnectionError, isTransient, RequestError } from './request-error.ts';

/** How often a request that asked for patience is tried at all. */
const MAX_ATTEMPTS = 5;
/** The longest wait that a server may ask of one retry. */
const MAX_RETRY_AFTER_MS = 30_000;
const FIRST_BACKOFF_MS = 500;
const DEFAULT_TIMEOUT_MS = 60_000;

type Fields<Schema extends TObject> = keyof Static<Schema> extends never ? { [key: string]: never } : Static<Schema>;

/** What a call needs: `params` when the path has any, `body` when the endpoint takes one. */
export type RequestOptions<Params extends TObject, Query extends TObject, Body extends TSchema | RawBody> = {
  query?: Partial<Static<Query>>;
  signal?: AbortSignal | undefined;
  /** How long to wait for the answer. */
  timeoutMs?: number;
  /** Tries again on network failures, 5xx and 429; for calls that may safely be repeated. */
  patient?: boolean;
} & (keyof Static<Params> extends never ? { params?: Fields<Params> } : { params: Static<Params> }) &
  (Body extends RawBody ? { body: BodyInit; contentType: string } : Body extends TSchema ? { body?: Payload<Body> } : never);

export type RelayOptions = {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: JsonObject;
  signal?: AbortSignal | undefined;
  patient?: boolean;
};

/** A request whose endpoint is not a value of `federation-spec`: media with progress, extensions. */
export type PlainRequest = {
  method: string;
  /** Path and query, percent-encoded. */
  path: string;
  body?: BodyInit | undefined;
  contentType?: string | undefined;
  auth: boolean;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
};

/** Calls endpoints of one homeserver. */
export type MatrixHttp = {
  readonly baseUrl: string;
  /** The JSON answer. Throws `RequestError` when the server refuses, `ConnectionError` when there is no answer. */
  request<Params extends TObject, Query extends TObject, Body extends TSchema | RawBody, Response extends TSchema>(
    endpoint: Endpoint<Params, Query, Body, Response>,
    options: RequestOptions<Params, Query, Body>,
  ): Promise<Payload<Response>>;
  /** The same for a body that was made elsewhere (by the crypto machine) and an answer that nobody reads here. */
  relay(endpoint: Endpoint, options: RelayOptions): Promise<JsonObject>;
  /** The answer's body untouched; the same errors. */
  fetchRaw(request: PlainRequest): Promise<Response>;
  /** A token that is good now, refreshed when it is about to run out; nothing when not logged in. */
  accessToken(): Promise<string | undefined>;
};

type Deps = {
  baseUrl: string;
  fetch: typeof globalThis.fetch;
  tokens: TokenSource;
};

/** Where the access token comes from. */
export type TokenSource = {
  /** A token that should be good now. */
  current(): Promise<string | undefined>;
  /** The server refused `token`: a newer one when there is any, else nothing (then the error goes to the caller). */
  afterRefusal(token: string, error: RequestError): Promise<string | undefined>;
};

export const NO_TOKENS: TokenSource = { current: async () => undefined, afterRefusal: async () => undefined };

/** Builds the caller. It fills paths, encodes queries, adds the token, renews it once when refused, and turns errors into `RequestError`. */
export function createMatrixHttp({ baseUrl, fetch, tokens }: Deps): MatrixHttp {
  async function fetchOnce(request: PlainRequest, token: string | undefined): Promise<Response> {
    const headers: Record<string, string> = {};
    if (request.contentType !== undefined) headers['Content-Type'] = request.contentType;
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
    const timeout = AbortSignal.timeout(request.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
    const body = request.body === undefined ? {} : { body: request.body };

    let response: Response;
    try {
      response = await fetch(`${baseUrl}${request.path}`, { method: request.method, headers, signal, ...body });
    } catch (error) {
      if (request.signal?.aborted === true) throw error;
      throw new ConnectionError(`${new URL(baseUrl).host} does not answer`, { cause: error });
    }
    if (response.ok) return response;
    throw await readError(response);
  }

  async function fetchRaw(request: PlainRequest): Promise<Response> {
    const token = request.auth ? await tokens.current() : undefined;
    try {
      return await fetchOnce(request, token);
    } catch (error) {
      if (token === undefined || !(error instanceof RequestError) || error.status !== 401 || error.errcode !== 'M_UNKNOWN_TOKEN')
        throw error;
      const renewed = await tokens.afterRefusal(token, error);
      if (renewed === undefined) throw error;
      return await fetchOnce(request, renewed);
    }
  }

  async function request<Params extends TObject, Query extends TObject, Body extends TSchema | RawBody, Answer extends TSchema>(
    endpoint: Endpoint<Params, Query, Body, Answer>,
    options: RequestOptions<Params, Query, Body>,
  ): Promise<Payload<Answer>> {
    return (await callJson(endpoint, options)) as Payload<Answer>;
  }

  async function relay(endpoint: Endpoint, options: RelayOptions): Promise<JsonObject> {
    const answer = await callJson(endpoint, options);
    return isJsonObject(answer) ? answer : {};
  }

  async function callJson(endpoint: Endpoint, options: AnyOptions): Promise<unknown> {
    const plain = toPlainRequest(endpoint, options);
    const attempts = options.patient === true ? MAX_ATTEMPTS : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await readJsonBody(await fetchRaw(plain));
      } catch (error) {
        if (attempt >= attempts || !isTransient(error)) throw error;
        await waitMs(retryDelayMs(error, attempt), options.signal);
      }
    }
  }

  return { baseUrl, request, relay, fetchRaw, accessToken: () => tokens.current() };
}

/** How long to wait before the next try: what the server asked for, or twice as long each time. */
export function retryDelayMs(error: unknown, attempt: number): number {
  const asked = error instanceof RequestError ? error.retryAfterMs : undefined;
  return Math.min(asked ?? FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_RETRY_AFTER_MS);
}

/** Resolves after the time, rejects when aborted. */
export function waitMs(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

type AnyOptions = {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  patient?: boolean;
};

function toPlainRequest(endpoint: Endpoint, options: AnyOptions): PlainRequest {
  const path = buildUri(endpoint.path, options.params ?? {}, options.query);
  const base = { method: endpoint.method, path, auth: endpoint.auth !== 'none', signal: options.signal, timeoutMs: options.timeoutMs };
  if (endpoint.body === 'raw') return { ...base, body: options.body as BodyInit, contentType: options.contentType };
  if (endpoint.method === 'GET') return base;
  return { ...base, body: JSON.stringify(options.body ?? {}), contentType: 'application/json' };
}

async function readJsonBody(response: Response): Promise<unknown> {
  const text = await response.text();
  return text === '' ? {} : JSON.parse(text);
}

async function readError(response: Response): Promise<RequestError> {
  let data: JsonObject = {};
  try {
    const parsed: unknown = await response.json();
    if (isJsonObject(parsed)) data = parsed;
  } catch {
    // A proxy's error page: the status is all there is.
  }
  const retryHeaderS = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new RequestError({
    status: response.status,
    errcode: stringIn(data, 'errcode') ?? 'M_UNKNOWN',
    message: stringIn(data, 'error') ?? `The homeserver answered with HTTP ${response.status}`,
    retryAfterMs: numberIn(data, 'retry_after_ms') ?? (Number.isFinite(retryHeaderS) ? retryHeaderS * 1000 : undefined),
    data,
  });
}
