import { encodeUtf8 } from '../encoding/utf8.ts';

const KEPT = /[a-z0-9._\-/+]/;

/**
 * A localpart for a user id from any name: lower-cased, everything outside the grammar as `=` and two hexadecimal digits a byte.
 * With `keepsCase` two names that differ in case only stay different: `A` becomes `_a`, `_` becomes `__`.
 *
 * https://spec.matrix.org/latest/appendices/#mapping-from-other-character-sets
 */
export function mapLocalpart(name: string, { keepsCase = false }: { keepsCase?: boolean } = {}): string {
  let localpart = '';
  for (const byte of encodeUtf8(name)) {
    const character = String.fromCharCode(byte);
    if (/[A-Z]/.test(character)) localpart += (keepsCase ? '_' : '') + character.toLowerCase();
    else if (character === '_' && keepsCase) localpart += '__';
    else localpart += KEPT.test(character) ? character : `=${byte.toString(16).padStart(2, '0')}`;
  }
  return localpart;
}
