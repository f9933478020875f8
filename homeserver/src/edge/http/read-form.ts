import { badJson } from '../../platform/matrix-error.ts';
import type { HttpRequest } from './http-request.ts';
import { isStorableText } from './read-json-body.ts';
import { readText } from './read-text.ts';

const USUAL_MAX_BYTES = 16_384;

/**
 * Reads a form as browsers and OAuth clients send it (`application/x-www-form-urlencoded`). Of a field given twice the last counts.
 *
 * @throws M_TOO_LARGE, M_BAD_JSON for text that cannot be stored
 */
export async function readForm(request: HttpRequest, maxBytes = USUAL_MAX_BYTES): Promise<Record<string, string>> {
  const fields = new URLSearchParams(await readText(request, maxBytes));
  const form: Record<string, string> = Object.create(null);
  for (const [name, value] of fields) {
    if (!isStorableText(name) || !isStorableText(value)) throw badJson('A form may hold neither NUL nor half a surrogate pair');
    form[name] = value;
  }
  return form;
}
