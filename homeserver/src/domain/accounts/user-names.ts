import { MAX_ID_BYTES } from 'federation-spec/identifiers/limits.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { invalidUsername } from '../../platform/matrix-error.ts';

/** Names of digits only are given to guests. */
const GUEST_LOCALPART = /^[0-9]+$/;

/**
 * The user id for a wanted user name. Capitals become small letters.
 * https://spec.matrix.org/latest/appendices/#user-identifiers
 *
 * @throws M_INVALID_USERNAME
 */
export function userIdForName(given: string, serverName: string): string {
  const username = given.toLowerCase();
  const userId = `@${username}:${serverName}`;
  if (userId.length > MAX_ID_BYTES) throw invalidUsername(`The user id ${userId} is longer than ${MAX_ID_BYTES} bytes`);
  const parsed = parseUserId(userId);
  if (parsed?.localpart !== username || parsed.grammar !== 'current') {
    throw invalidUsername(`User names are made of a-z, 0-9 and the characters . _ = - / +, which ${JSON.stringify(given)} is not`);
  }
  if (GUEST_LOCALPART.test(username)) throw invalidUsername('A user name must not be a number');
  return userId;
}

/** The user id that somebody means who typed a user name or a whole user id of this server; undefined when it can be neither. */
export function userIdMeantBy(typed: string, serverName: string): string | undefined {
  const userId = typed.startsWith('@') ? typed : `@${typed}:${serverName}`;
  return userId.endsWith(`:${serverName}`) ? userId : undefined;
}
