import { buildUri } from 'federation-spec/api/build-uri.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import type { HttpClient } from '../../platform/http-client/http-client.ts';
import type { Appservice } from './appservice.ts';

export type AppserviceRequest = {
  params?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  /** JSON text. */
  body?: string;
  timeoutMs: number;
  signal?: AbortSignal;
};

export type AppserviceAnswer = { status: number; text: string };

/** Calls an application service. Rejects when it cannot be reached in time; whatever it answers is an answer. */
export type CallAppservice = (
  appservice: Appservice,
  endpoint: Pick<Endpoint, 'method' | 'path'>,
  request: AppserviceRequest,
) => Promise<AppserviceAnswer>;

const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Who we are is said by the `hs_token`, in the header and, for services of before version 1.4, in the query.
 * https://spec.matrix.org/latest/application-service-api/#authorisation
 */
export function createCallAppservice(http: Pick<HttpClient, 'request'>): CallAppservice {
  return async ({ id, url, hsToken }, { method, path }, { params = {}, query = {}, body, timeoutMs, signal }) => {
    if (url === undefined) throw new Error(`the application service ${id} has no address`);
    const response = await http.request({
      method,
      url: `${url}${buildUri(path, params, { ...query, access_token: hsToken })}`,
      headers: {
        authorization: `Bearer ${hsToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: response.status, text: new TextDecoder().decode(response.body) };
  };
}
