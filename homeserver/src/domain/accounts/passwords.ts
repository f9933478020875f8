import { invalidParam, weakPassword } from '../../platform/matrix-error.ts';

/** What the server insists on, for all clients; ours asks for more. */
const MIN_PASSWORD_CHARACTERS = 6;
const MAX_PASSWORD_CHARACTERS = 1024;

/** @throws M_WEAK_PASSWORD, M_INVALID_PARAM when a password cannot be an account's */
export function checkNewPassword(password: string): void {
  if (password.length > MAX_PASSWORD_CHARACTERS) throw invalidParam(`A password has at most ${MAX_PASSWORD_CHARACTERS} characters`);
  if (password.length < MIN_PASSWORD_CHARACTERS) throw weakPassword(`A password needs at least ${MIN_PASSWORD_CHARACTERS} characters`);
}

/** Whether a password is short enough to be looked at. */
export function isPlausiblePassword(password: string): boolean {
  return password.length > 0 && password.length <= MAX_PASSWORD_CHARACTERS;
}
