import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import {
  badGateway,
  forbidden,
  incompatibleRoomVersion,
  MatrixError,
  matrixError,
  notFound,
  unableToAuthoriseJoin,
  unableToGrantJoin,
} from '../../../platform/matrix-error.ts';
import type { IsUnreachable } from '../circuit-breaker.ts';
import { FederationError } from '../federation-error.ts';

type Asking = {
  logger: Logger;
  isUnreachable: IsUnreachable;
  clock: Clock;
  /** After so long no further server is asked: somebody waits. */
  patienceMs: number;
};

/**
 * Asks one server after the other until one helps; those that are known not to answer come last. When none does, throws what the user
 * should know: that the room refuses, that its version is unknown, or that nobody could be reached.
 */
export async function askCandidates<Result>(
  candidates: readonly string[],
  { logger, isUnreachable, clock, patienceMs }: Asking,
  ask: (server: string) => Promise<Result>,
): Promise<Result> {
  if (candidates.length === 0) throw notFound('This server does not know the room, and no other server was named by which to reach it.');
  const failures: FederationError[] = [];
  const likely = candidates.filter((server) => !isUnreachable(server));
  const until = clock.now() + patienceMs;
  for (const server of new Set([...likely, ...candidates])) {
    if (failures.length > 0 && clock.now() >= until) break;
    try {
      return await ask(server);
    } catch (error) {
      if (error instanceof MatrixError) throw error;
      logger.info({ server, err: error }, 'a server could not help with a room');
      failures.push(
        error instanceof FederationError ? error : new FederationError(server, 'it gave an answer that does not hold', { cause: error }),
      );
    }
  }
  throw toldFailure(failures);
}

/** The refusals that tell the user something, the most telling first. What else a server may answer is its own trouble. */
const TELLING = ['M_INCOMPATIBLE_ROOM_VERSION', 'M_FORBIDDEN', 'M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN', 'M_LIMIT_EXCEEDED'];
/** How much of another server's own words a user is shown. */
const MAX_SHOWN_LENGTH = 200;
/** When to come again, where a server that has had enough does not say; and the latest that it may say. */
const DEFAULT_RETRY_MS = 5_000;
const MAX_RETRY_MS = 300_000;

function toldFailure(failures: readonly FederationError[]): MatrixError {
  const names = failures.map((failure) => failure.destination).join(', ');
  const [telling] = failures
    .filter((failure) => TELLING.includes(failure.errcode ?? ''))
    .sort((a, b) => TELLING.indexOf(a.errcode ?? '') - TELLING.indexOf(b.errcode ?? ''));
  if (telling !== undefined) return toldRefusal(telling);
  if (failures.some((failure) => failure.status === 403)) return forbidden(`The room does not allow this (asked: ${names}).`);
  if (failures.every((failure) => failure.status === 404)) return notFound(`The room is not known there (asked: ${names}).`);
  return badGateway(`No server of the room could help (asked: ${names}).`);
}

/** Only the code and a shortened reason are passed on: the status and the further fields are ours. */
function toldRefusal({ destination, errcode, body }: FederationError): MatrixError {
  const said = typeof body['error'] === 'string' ? body['error'].slice(0, MAX_SHOWN_LENGTH) : 'it gave no reason';
  const reason = `${destination} refuses: ${said}`;
  if (errcode === 'M_INCOMPATIBLE_ROOM_VERSION')
    return incompatibleRoomVersion(typeof body['room_version'] === 'string' ? body['room_version'] : 'unknown');
  if (errcode === 'M_UNABLE_TO_AUTHORISE_JOIN') return unableToAuthoriseJoin(reason);
  if (errcode === 'M_UNABLE_TO_GRANT_JOIN') return unableToGrantJoin(reason);
  if (errcode === 'M_LIMIT_EXCEEDED') return toldLimit(destination, body);
  return forbidden(reason);
}

/** Another server has had enough of us for now: clients know what to do about that. */
export function toldLimit(destination: string, body: FederationError['body']): MatrixError {
  const { retry_after_ms: given } = body;
  const retryAfterMs = typeof given === 'number' && given >= 0 ? Math.min(Math.ceil(given), MAX_RETRY_MS) : DEFAULT_RETRY_MS;
  const message = `${destination} has been asked too much; try again in ${Math.ceil(retryAfterMs / 1000)} s`;
  return matrixError(429, 'M_LIMIT_EXCEEDED', message, { retry_after_ms: retryAfterMs });
}
