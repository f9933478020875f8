import { getAuthenticationFallback, submitAuthenticationFallback } from 'federation-spec/api/client/fallback-pages.ts';
import { escapeHtml } from '../../domain/accounts/account-mails.ts';
import type { UiaFallback } from '../../domain/accounts/uia-fallback.ts';
import { notFound } from '../../platform/matrix-error.ts';
import { readForm } from '../http/read-form.ts';
import { type RawResponse, type Route, route } from '../http/route.ts';
import { htmlPage } from './html-page.ts';

const MAX_FORM_BYTES = 4_096;
const TITLE = 'Sign up';
/** Tells the client that opened the page, as the specification words it. */
const DONE =
  'if(window.onAuthDone){window.onAuthDone()}else if(window.opener&&window.opener.postMessage){window.opener.postMessage("authDone","*")}';

/** Pages for the stages that a client cannot show. https://spec.matrix.org/latest/client-server-api/#fallback */
export function authFallbackRoutes(fallback: UiaFallback): Route[] {
  return [
    route(getAuthenticationFallback, async ({ params }) => {
      if (!fallback.isOffered(params.authType)) throw notFound('There is no page for this stage');
      return formPage(params.authType);
    }),
    route(submitAuthenticationFallback, async ({ params, query, request }) => {
      const fields = await readForm(request, MAX_FORM_BYTES);
      const outcome = await fallback.pass(params.authType, query.session ?? '', fields);
      if (!outcome.done) return formPage(params.authType, outcome.reason);
      return htmlPage(200, 'Done', '<p>You can close this page and go back to where you came from.</p>', DONE);
    }),
  ];
}

function formPage(stage: string, failure?: string): RawResponse {
  const field = stage.endsWith('registration_token')
    ? '<p><label>Registration token<br><input name="token" required autofocus></label></p>'
    : '';
  const said = failure === undefined ? '' : `<p role="alert">${escapeHtml(failure)}</p>`;
  return htmlPage(failure === undefined ? 200 : 400, TITLE, `${said}<form method="post">${field}<button>Continue</button></form>`);
}
