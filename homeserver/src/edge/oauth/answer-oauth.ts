import { OAuthError } from '../../domain/accounts/oauth/oauth-error.ts';
import { type RawResponse, raw } from '../http/route.ts';

/** Token answers must not be kept anywhere: https://www.rfc-editor.org/rfc/rfc6749#section-5.1 */
const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };

/** Answers a client in OAuth's own form, refusals too: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
export async function answerOAuth(work: () => Promise<{ status?: number; json: object }>): Promise<RawResponse> {
  try {
    return raw({ headers: NO_STORE, ...(await work()) });
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return raw({ status: error.status, headers: NO_STORE, json: { error: error.code, error_description: error.message } });
  }
}
