import { utf8Length } from '../encoding/utf8.ts';
import { MAX_ID_BYTES } from './limits.ts';
import { parseServerName } from './server-name.ts';

/** Whether the text begins with the sigil, fits, and holds neither NUL nor half a surrogate pair. */
export function isIdText(text: string, sigil: string): boolean {
  return text.startsWith(sigil) && utf8Length(text) <= MAX_ID_BYTES && !text.includes('\u0000') && text.isWellFormed();
}

/** Takes `&localpart:server` apart; `undefined` when the text is no such identifier. */
export function splitId(text: string, sigil: string): { localpart: string; serverName: string } | undefined {
  if (!isIdText(text, sigil)) return undefined;
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  const serverName = text.slice(colon + 1);
  return parseServerName(serverName) === undefined ? undefined : { localpart: text.slice(1, colon), serverName };
}
