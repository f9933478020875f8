import { ping } from 'federation-spec/api/appservice/ping.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, matrixError } from '../../platform/matrix-error.ts';
import type { CallAppservice } from './appservice-client.ts';
import type { AppserviceRegistry } from './registry.ts';

const PING_TIMEOUT_MS = 30_000;
/** So much of a bad answer is passed back to the service that gave it. */
const MAX_TOLD_CHARACTERS = 1_000;

/**
 * Calls a service that wants to know whether it can be called. Resolves with how long that took, in milliseconds.
 *
 * @throws M_FORBIDDEN for another service than the one that asks, M_URL_NOT_SET, M_BAD_STATUS, M_CONNECTION_FAILED, M_CONNECTION_TIMEOUT
 */
export type PingAppservice = (request: { id: string; askedBy: string; transactionId: string | undefined }) => Promise<number>;

type Deps = { registry: AppserviceRegistry; call: CallAppservice; clock: Clock };

/** https://spec.matrix.org/latest/application-service-api/#pinging */
export function createPing({ registry, call, clock }: Deps): PingAppservice {
  return async ({ id, askedBy, transactionId }) => {
    const appservice = id === askedBy ? registry.find(id) : undefined;
    if (appservice === undefined) throw forbidden(`The as_token is not that of the application service ${id}`);
    if (appservice.url === undefined) throw matrixError(400, 'M_URL_NOT_SET', `The application service ${id} has no url`);
    const body = JSON.stringify(transactionId === undefined ? {} : { transaction_id: transactionId });
    const startedAt = clock.now();
    const answer = await call(appservice, ping, { body, timeoutMs: PING_TIMEOUT_MS }).catch((error: unknown) => {
      throw isTimeout(error)
        ? matrixError(504, 'M_CONNECTION_TIMEOUT', `The application service did not answer within ${PING_TIMEOUT_MS / 1000} s`)
        : matrixError(502, 'M_CONNECTION_FAILED', 'The application service could not be reached');
    });
    if (answer.status >= 200 && answer.status < 300) return Math.max(0, Math.round(clock.now() - startedAt));
    const { status, text } = answer;
    throw matrixError(502, 'M_BAD_STATUS', `The ping was answered with status ${status}`, {
      status,
      body: text.slice(0, MAX_TOLD_CHARACTERS),
    });
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'ConnectTimeoutError');
}
