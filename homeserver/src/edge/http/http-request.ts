import type { Readable } from 'node:stream';

/** A request as handlers see it, when the typed values are not enough. */
export type HttpRequest = {
  method: string;
  /** Path and query, as they came over the wire. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Every value of a header that was sent more than once, in order. */
  headerValues(name: string): string[];
  /** The address of the client; of the one behind the proxy, when the proxy is trusted. */
  ip: string;
  /** The body's bytes, where they were read: every endpoint with a JSON body. */
  bytes: Uint8Array | undefined;
  /** The body as it arrives, for endpoints whose body is raw. */
  readonly stream: Readable;
  /** The length the client declared. */
  contentLength: number | undefined;
  /** Aborted when the client hangs up, and when the server is about to stop: long polls answer at once with what they have. */
  readonly signal: AbortSignal;
};
