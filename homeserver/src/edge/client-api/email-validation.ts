import { confirmEmail, showEmailConfirmation, submitEmailToken } from 'federation-spec/api/client/email-validation.ts';
import { escapeHtml } from '../../domain/accounts/account-mails.ts';
import type { EmailValidations } from '../../domain/accounts/validate-email.ts';
import { type RawResponse, type Route, raw, route } from '../http/route.ts';

/** The code and the link of a mail, submitted. */
export function emailValidationRoutes(validations: EmailValidations): Route[] {
  return [
    route(submitEmailToken, async ({ body }) => {
      await validations.submitCode({ sid: body.sid, clientSecret: body.client_secret, code: body.token });
      return { success: true };
    }),
    route(showEmailConfirmation, async () =>
      page(200, 'Confirm your e-mail address', '<form method="post"><button>Confirm</button></form>'),
    ),
    route(confirmEmail, async ({ query }) => {
      const confirmed = await validations.submitLink({ sid: query.sid, linkToken: query.token });
      if (confirmed === undefined) return page(400, 'This link has expired', '<p>Ask for a new mail where you came from.</p>');
      const { nextLink } = confirmed;
      const onward = nextLink === undefined ? '' : `<p><a href="${escapeHtml(nextLink)}">Continue</a></p>`;
      return page(200, 'Your e-mail address is confirmed', `<p>Go back to where you came from; it goes on there.</p>${onward}`);
    }),
  ];
}

const STYLE =
  'body{font:1.1rem system-ui,sans-serif;max-width:26rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}' +
  'button{font:inherit;padding:.6em 1.4em}';

/** A small page that runs no script and loads nothing. `html` is trusted. */
function page(status: number, title: string, html: string): RawResponse {
  const text =
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style><h1>${escapeHtml(title)}</h1>${html}</html>`;
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  };
  return raw({ status, headers, bytes: Buffer.from(text) });
}
