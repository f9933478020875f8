import { submitEmailToken } from 'federation-spec/api/client/email-validation.ts';
import type { requestTokenToRegisterEmail } from 'federation-spec/api/client/registration.ts';
import type { EmailValidations } from '../../domain/accounts/validate-email.ts';
import { type Route, route } from '../http/route.ts';
import { isLoopback } from './is-loopback.ts';

/** What the three `email/requestToken` endpoints have in common: they differ in what the address is to be proven for. */
type EmailTokenEndpoint = Omit<typeof requestTokenToRegisterEmail, 'id' | 'path'> & { id: string; path: string };
type Purpose = Parameters<EmailValidations['request']>[0]['purpose'];

/** Mails a one-time code; the answer says where to submit it. */
export function requestEmailToken(
  endpoint: EmailTokenEndpoint,
  validations: EmailValidations,
  { purpose, publicUrl, check }: { purpose: Purpose; publicUrl: string; check?: () => void },
): Route {
  return route(endpoint, async ({ body, request }) => {
    check?.();
    const { sid } = await validations.request({
      purpose,
      email: body.email,
      clientSecret: body.client_secret,
      sendAttempt: body.send_attempt,
      nextLink: body.next_link,
      isLoopback: isLoopback(request.ip),
    });
    return { sid, submit_url: new URL(submitEmailToken.path, publicUrl).href };
  });
}
