import { badJson, tooLarge } from '../../platform/matrix-error.ts';
import { readWhole } from '../../platform/read-whole.ts';
import type { HttpRequest } from './http-request.ts';
import { isStorableText } from './read-json-body.ts';

/**
 * Reads a body that is plain text.
 *
 * @throws M_TOO_LARGE, M_BAD_JSON for text that cannot be stored
 */
export async function readText(request: HttpRequest, maxBytes: number): Promise<string> {
  const bytes = await readWhole(request.stream, maxBytes, () => tooLarge(`The body may have at most ${maxBytes} bytes`));
  const text = bytes.toString('utf8');
  if (!isStorableText(text)) throw badJson('Text may hold neither NUL nor half a surrogate pair');
  return text;
}
