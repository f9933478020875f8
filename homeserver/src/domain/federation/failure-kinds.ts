import { BlockedAddress } from '../../platform/http-client/blocked-address.ts';
import { FederationError } from './federation-error.ts';

/** Whoever gives a server less time than this learns nothing about it when it does not answer. */
const MIN_TELLING_TIMEOUT_MS = 10_000;
/** What a proxy answers when the server behind it is away. https://www.rfc-editor.org/rfc/rfc9110#section-15.6 */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** Whether the server has answered, be it with a refusal. */
export function isAnswer(error: unknown): boolean {
  return error instanceof FederationError && error.status !== undefined && !GATEWAY_STATUSES.has(error.status);
}

/** Whether a request that was given so much time failed because the server is away, and not by what was asked or how. */
export function isUnreachable(error: unknown, timeoutMs: number): boolean {
  if (!(error instanceof FederationError)) return false;
  if (error.status !== undefined) return GATEWAY_STATUSES.has(error.status);
  const { cause } = error;
  if (!(cause instanceof Error) || cause instanceof BlockedAddress) return false;
  if (cause.name === 'TimeoutError') return timeoutMs >= MIN_TELLING_TIMEOUT_MS;
  return 'code' in cause && typeof cause.code === 'string'; // of the network, or of TLS
}

/** Whether whoever asked had to wait for the failure. */
export function isSlowFailure(error: unknown): boolean {
  const cause = error instanceof FederationError ? error.cause : undefined;
  return cause instanceof Error && /timeout/i.test(`${cause.name} ${'code' in cause ? String(cause.code) : ''}`);
}
