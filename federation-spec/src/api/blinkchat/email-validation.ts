import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/*
 * Where the token in a mail is handed in: the `submit_url` of the answers that began the validation. The specification lends the
 * shape from the Identity Service API and leaves the address to the homeserver.
 */

const SUBMIT = 'https://spec.matrix.org/latest/identity-service-api/#post_matrixidentityv2validateemailsubmittoken';

const ProofSchema = Type.Object({ sid: Type.String(), client_secret: Type.String(), token: Type.String() });

/** A client hands in the token that its user typed. */
export const submitEmailToken = endpoint({
  id: 'submitEmailToken',
  method: 'POST',
  path: '/_matrix/client/unstable/chat.blinkchat/validate/email/submitToken',
  auth: 'none',
  body: ProofSchema,
  response: Type.Object({ success: Type.Boolean() }),
  errors: ['M_TOKEN_INCORRECT', 'M_SESSION_EXPIRED', 'M_NO_VALID_SESSION'],
  rateLimit: 'login',
  spec: SUBMIT,
});

/** A browser follows the link in the mail, and is shown a page or sent on to the `next_link`. */
export const followEmailLink = endpoint({
  id: 'followEmailLink',
  method: 'GET',
  path: '/_matrix/client/unstable/chat.blinkchat/validate/email/submitToken',
  auth: 'none',
  query: ProofSchema,
  response: 'raw',
  rateLimit: 'login',
  spec: SUBMIT,
});
