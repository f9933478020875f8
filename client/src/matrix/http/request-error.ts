import type { JsonObject } from '../json.ts';

/** The homeserver answered with an error. `errcode` as in the specification; `status` of HTTP. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  readonly errcode: string;
  /** After how long to try again, when the server said. */
  readonly retryAfterMs: number | undefined;
  /** The whole body of the answer. */
  readonly data: JsonObject;

  constructor(answer: { status: number; errcode: string; message: string; retryAfterMs: number | undefined; data: JsonObject }) {
    super(answer.message);
    this.status = answer.status;
    this.errcode = answer.errcode;
    this.retryAfterMs = answer.retryAfterMs;
    this.data = answer.data;
  }
}

/** No answer came at all: offline, the server is down, or the name does not resolve. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** Whether trying the same request again may help. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return error instanceof RequestError && (error.status >= 500 || error.status === 429 || error.status === 408);
}
