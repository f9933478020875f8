import { OAuthError } from '../../domain/accounts/oauth/oauth-error.ts';
import { MatrixError } from '../../platform/matrix-error.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { isStorableText, readJsonBody } from '../http/read-json-body.ts';
import { readText } from '../http/read-text.ts';

const MAX_BYTES = 16_384;
const TOO_LARGE = 413;

/**
 * Reads what a client posts to the authorization server, by the rules that OAuth 2.0 has for it: a parameter stands there once, and one
 * without a value counts as left out. https://www.rfc-editor.org/rfc/rfc6749#section-3.2
 *
 * @throws OAuthError `invalid_request`
 */
export async function readOAuthForm(request: HttpRequest): Promise<Record<string, string>> {
  const form: Record<string, string> = Object.create(null);
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(await readOAuthText(request, 'invalid_request'))) {
    if (!isStorableText(name) || !isStorableText(value))
      throw new OAuthError('invalid_request', 'A form may hold neither NUL nor half a surrogate pair');
    if (seen.has(name)) throw new OAuthError('invalid_request', `${name.slice(0, 100)} is there more than once`);
    seen.add(name);
    if (value !== '') form[name] = value;
  }
  return form;
}

/** The text of a body; what is wrong with it is told in OAuth's own form. */
async function readOAuthText(request: HttpRequest, code: 'invalid_request' | 'invalid_client_metadata'): Promise<string> {
  try {
    return await readText(request, MAX_BYTES);
  } catch (error) {
    if (error instanceof MatrixError) throw new OAuthError(code, error.message, error.status === TOO_LARGE ? TOO_LARGE : 400);
    throw error;
  }
}

/**
 * Reads what a client says of itself when it registers.
 *
 * @throws OAuthError `invalid_client_metadata` when it is no JSON, or more or deeper than anybody needs
 */
export async function readClientMetadata(request: HttpRequest): Promise<unknown> {
  const text = await readOAuthText(request, 'invalid_client_metadata');
  try {
    return readJsonBody(Buffer.from(text));
  } catch (error) {
    if (error instanceof MatrixError) throw new OAuthError('invalid_client_metadata', error.message);
    throw error;
  }
}
