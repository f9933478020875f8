import type { Logger } from '../../../platform/logger.ts';
import { badGateway, forbidden, incompatibleRoomVersion, MatrixError, notFound } from '../../../platform/matrix-error.ts';
import { FederationError } from '../federation-error.ts';

/**
 * Asks one server after the other until one helps. When none does, throws what the user should know: that the room refuses, that its
 * version is unknown, or that nobody could be reached.
 */
export async function askCandidates<Result>(
  candidates: readonly string[],
  logger: Logger,
  ask: (server: string) => Promise<Result>,
): Promise<Result> {
  if (candidates.length === 0) throw notFound('This server does not know the room, and no other server was named by which to reach it.');
  const failures: FederationError[] = [];
  for (const server of candidates) {
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

function toldFailure(failures: readonly FederationError[]): MatrixError {
  const names = failures.map((failure) => failure.destination).join(', ');
  const version = failures.find((failure) => failure.errcode === 'M_INCOMPATIBLE_ROOM_VERSION');
  if (version !== undefined)
    return incompatibleRoomVersion(typeof version.body['room_version'] === 'string' ? version.body['room_version'] : 'unknown');
  if (failures.some((failure) => failure.status === 403)) return forbidden(`The room does not allow this (asked: ${names}).`);
  if (failures.every((failure) => failure.status === 404)) return notFound(`The room is not known there (asked: ${names}).`);
  return badGateway(`No server of the room could help (asked: ${names}).`);
}
