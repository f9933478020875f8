import { buildUri } from 'federation-spec/api/build-uri.ts';
import type { Endpoint, Payload, RawBody } from 'federation-spec/api/endpoint.ts';
import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { type Signer, signJson } from 'federation-spec/signing/sign-json.ts';
import { buildXMatrix, requestToSign } from 'federation-spec/signing/x-matrix.ts';
import type { Static, TObject, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { HttpClient, OutboundRequest, OutboundResponse, OutboundStream } from '../../platform/http-client/http-client.ts';
import { readBody } from '../../platform/http-client/read-body.ts';
import { createLoopTurns } from '../../platform/loop-turns.ts';
import type { CircuitBreaker, Urgency } from './circuit-breaker.ts';
import type { DiscoverServer, ServerAddress } from './discovery/discover-server.ts';
import { dropNulls } from './drop-nulls.ts';
import { FederationError } from './federation-error.ts';
import type { PeerPolicy } from './peer-policy.ts';

/** How long a request may take when nothing else is said. */
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** The whole state of a room of 80,000 members, told in one answer; reading it takes a second, of which the main loop has none to spare. */
const MAX_ANSWER_VALUES = 3_000_000;
/** Large answers of one server that wait to be read. */
const MAX_WAITING_ANSWERS = 64;
/** A refusal is a short JSON body. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** How much of another server's own words goes into our log. */
const MAX_SHOWN_LENGTH = 200;

export type CallOptions = {
  timeoutMs?: number;
  maxBytes?: number;
  signal?: AbortSignal;
  /** How many redirects are followed; a signed request is not sent on. */
  maxRedirects?: number;
  /** The answer is signed as a whole: nothing may be taken out of it. */
  isSigned?: boolean;
  /** Whether a server that is known not to answer is asked all the same; `background` when nothing else is said. */
  urgency?: Urgency;
};
const CONNECT_FAILURES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPROTO',
]);
/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const TLS_FAILURE = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_)|SELF_SIGNED/;

type QueryInput = Readonly<Record<string, string | readonly string[] | undefined>>;
type CallInput<Params, Body> = { params?: Params; query?: QueryInput; body?: Body };

/** What of an endpoint says where a call goes, and whether it is signed. */
type Addressed = Pick<Endpoint, 'method' | 'path' | 'auth'>;

export type FederationClient = {
  /** Calls an endpoint of another server. Throws `FederationError`, also when the answer does not have the endpoint's shape. */
  call: <Params extends TObject, Query extends TObject, Body extends TSchema | RawBody, Response extends TSchema>(
    destination: string,
    endpoint: Endpoint<Params, Query, Body, Response>,
    input?: CallInput<Static<Params>, Payload<Body>>,
    options?: CallOptions,
  ) => Promise<Static<Response>>;
  /** The same for an endpoint that answers with raw bytes: the stream of a good answer. */
  open: (
    destination: string,
    endpoint: Endpoint,
    input?: CallInput<Record<string, string>, never>,
    options?: CallOptions,
  ) => Promise<OutboundStream>;
};

type Deps = { http: HttpClient; discover: DiscoverServer; signer: Signer; mayFederate: PeerPolicy };

/** Signed requests to other servers. https://spec.matrix.org/latest/server-server-api/#request-authentication */
export function createFederationClient({ http, discover, signer, mayFederate }: Deps): FederationClient {
  const validators = new WeakMap<TSchema, Validator>();
  const takeTurn = createLoopTurns({ maxWaiting: MAX_WAITING_ANSWERS });

  async function prepare(destination: string, endpoint: Addressed, input: CallInput<unknown, unknown>, options: CallOptions) {
    if (!mayFederate(destination)) throw new FederationError(destination, 'this server does not federate with it');
    const uri = buildUri(endpoint.path, (input.params ?? {}) as Record<string, string>, input.query ?? {});
    // What is signed is what will be read from the wire: keys without a value, say, are not there.
    const text = input.body === undefined ? undefined : JSON.stringify(input.body);
    const content = text === undefined ? undefined : (JSON.parse(text) as JsonObject); // an endpoint's body is an object
    const headers: Record<string, string> = content === undefined ? {} : { 'content-type': 'application/json' };
    if (endpoint.auth === 'federation') {
      const request = {
        method: endpoint.method,
        uri,
        origin: signer.serverName,
        destination,
        ...(content === undefined ? {} : { content }),
      };
      const signed = await signJson(requestToSign(request), signer);
      const signature = signed.signatures[signer.serverName]?.[signer.keyId] ?? '';
      headers['authorization'] = buildXMatrix({ origin: signer.serverName, destination, keyId: signer.keyId, signature });
    }
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = MAX_ANSWER_BYTES, signal, maxRedirects } = options;
    const request = {
      method: endpoint.method,
      headers,
      timeoutMs,
      maxBytes,
      ...(signal === undefined ? {} : { signal }),
      ...(maxRedirects === undefined ? {} : { maxRedirects }),
    };
    return { uri, request: text === undefined ? request : { ...request, body: text } };
  }

  /** Tries the server's addresses in turn; only one that cannot be connected to leads on to the next. */
  async function exchange<Answer>(
    destination: string,
    prepared: { uri: string; request: Omit<OutboundRequest, 'url'> },
    send: (request: OutboundRequest) => Promise<Answer>,
  ): Promise<Answer> {
    let failure: unknown;
    for (const address of await discoverOrFail(destination)) {
      try {
        return await send(requestTo(address, prepared));
      } catch (error) {
        failure = error;
        if (!isConnectFailure(error)) break;
      }
    }
    throw new FederationError(destination, failure instanceof Error ? failure.message : 'it cannot be reached', { cause: failure });
  }

  async function discoverOrFail(destination: string): Promise<ServerAddress[]> {
    try {
      return await discover(destination);
    } catch (error) {
      throw new FederationError(destination, error instanceof Error ? error.message : 'it cannot be found', { cause: error });
    }
  }

  function validatorOf(schema: TSchema): Validator {
    const known = validators.get(schema) ?? Compile(schema);
    validators.set(schema, known);
    return known;
  }

  return {
    call: async (destination, endpoint, input = {}, options = {}) => {
      const prepared = await prepare(destination, endpoint, input, options);
      const response = await exchange(destination, prepared, http.request);
      return await takeTurn(destination, response.body.length, async () => {
        const answer = readAnswer(destination, response);
        const body = options.isSigned === true ? answer : dropNulls(answer);
        if (!validatorOf(endpoint.response).Check(body))
          throw new FederationError(destination, `the answer to ${endpoint.id} has a wrong shape`);
        return body as Static<typeof endpoint.response>;
      });
    },
    open: async (destination, endpoint, input = {}, options = {}) => {
      const response = await exchange(destination, await prepare(destination, endpoint, input, options), http.open);
      if (response.status === 200) return response;
      const body = await readBody(response.body, MAX_REFUSAL_BYTES).catch(() => new Uint8Array());
      throw refusal(destination, { ...response, body });
    },
  };
}

/** The same client, which does not wait for servers that are known not to answer. */
export function withBreaker(client: FederationClient, breaker: CircuitBreaker): FederationClient {
  const attemptOf = ({ urgency = 'background', timeoutMs = DEFAULT_TIMEOUT_MS, signal }: CallOptions) => ({ urgency, timeoutMs, signal });
  return {
    call: async (destination, endpoint, input, options = {}) =>
      await breaker.run(destination, attemptOf(options), () => client.call(destination, endpoint, input, options)),
    open: async (destination, endpoint, input, options = {}) =>
      await breaker.run(destination, attemptOf(options), () => client.open(destination, endpoint, input, options)),
  };
}

function requestTo(
  { host, port, hostHeader }: ServerAddress,
  prepared: { uri: string; request: Omit<OutboundRequest, 'url'> },
): OutboundRequest {
  const { uri, request } = prepared;
  return { ...request, url: `https://${host}:${port}${uri}`, headers: { ...request.headers, host: hostHeader } };
}

/** Whether the request was not even sent: nobody is there, or somebody who is not whom we look for. */
function isConnectFailure(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return CONNECT_FAILURES.has(code) || TLS_FAILURE.test(code);
}

function readAnswer(destination: string, response: OutboundResponse): unknown {
  if (response.status !== 200) throw refusal(destination, response);
  const read = readJson(response.body, { maxValues: MAX_ANSWER_VALUES });
  if (read.ok) return read.value;
  throw new FederationError(destination, `its answer is no JSON: ${read.reason}`, { status: response.status });
}

function refusal(destination: string, { status, body }: OutboundResponse): FederationError {
  const read = readJson(body);
  const error = read.ok && isJsonObject(read.value) ? read.value : {};
  const errcode = typeof error['errcode'] === 'string' ? error['errcode'] : undefined;
  return new FederationError(
    destination,
    `it answered ${status} ${errcode ?? ''} ${String(error['error'] ?? '').slice(0, MAX_SHOWN_LENGTH)}`.trimEnd(),
    { status, errcode, body: error },
  );
}
