/** Another server could not be reached, did not answer as it should, or refused. Never told to clients as it is. */
export class FederationError extends Error {
  override readonly name = 'FederationError';
  readonly destination: string;
  /** The HTTP status, when there was an answer. */
  readonly status: number | undefined;
  readonly errcode: string | undefined;
  /** The answer's body, when it was a JSON object. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(
    destination: string,
    message: string,
    details: { status?: number; errcode?: string | undefined; body?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(`${destination}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.destination = destination;
    this.status = details.status;
    this.errcode = details.errcode;
    this.body = details.body ?? {};
  }
}
