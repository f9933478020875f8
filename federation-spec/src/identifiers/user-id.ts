import { splitId } from './split-id.ts';

/**
 * A user id taken apart. `grammar` says how new it is: `current` ids may be made today; `historical` ones exist and are used everywhere;
 * `non-compliant` ones (an empty localpart, characters outside U+0021 to U+007E) count only inside events.
 */
export type UserId = { localpart: string; serverName: string; grammar: 'current' | 'historical' | 'non-compliant' };

const CURRENT_LOCALPART = /^[a-z0-9._=\-/+]+$/;
const COMPLIANT_LOCALPART = /^[\x21-\x7e]+$/;

/**
 * Parses a user id, historical ones among them: every server must accept those.
 *
 * https://spec.matrix.org/latest/appendices/#user-identifiers
 */
export function parseUserId(text: string): UserId | undefined {
  const parts = splitId(text, '@');
  return parts === undefined ? undefined : { ...parts, grammar: grammarOf(parts.localpart) };
}

function grammarOf(localpart: string): UserId['grammar'] {
  if (CURRENT_LOCALPART.test(localpart)) return 'current';
  return COMPLIANT_LOCALPART.test(localpart) ? 'historical' : 'non-compliant';
}
