import { confirmEmail, showEmailConfirmation, submitEmailToken } from 'federation-spec/api/client/email-validation.ts';
import { escapeHtml } from '../../domain/accounts/account-mails.ts';
import type { EmailValidations } from '../../domain/accounts/validate-email.ts';
import { type Route, route } from '../http/route.ts';
import { htmlPage } from './html-page.ts';

/** The code and the link of a mail, submitted. */
export function emailValidationRoutes(validations: EmailValidations): Route[] {
  return [
    route(submitEmailToken, async ({ body }) => {
      await validations.submitCode({ sid: body.sid, clientSecret: body.client_secret, code: body.token });
      return { success: true };
    }),
    route(showEmailConfirmation, async () =>
      htmlPage(200, 'Confirm your e-mail address', '<form method="post"><button>Confirm</button></form>'),
    ),
    route(confirmEmail, async ({ query }) => {
      const confirmed = await validations.submitLink({ sid: query.sid, linkToken: query.token });
      if (confirmed === undefined) return htmlPage(400, 'This link has expired', '<p>Ask for a new mail where you came from.</p>');
      const { nextLink } = confirmed;
      const onward = nextLink === undefined ? '' : `<p><a href="${escapeHtml(nextLink)}">Continue</a></p>`;
      return htmlPage(200, 'Your e-mail address is confirmed', `<p>Go back to where you came from; it goes on there.</p>${onward}`);
    }),
  ];
}
