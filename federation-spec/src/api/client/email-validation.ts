import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/**
 * Submits the one-time code of a mail: the `submit_url` of every `requestToken` answer. Request and answer are those of the Identity
 * Service API's https://spec.matrix.org/latest/identity-service-api/#post_matrixidentityv2validateemailsubmittoken
 */
export const submitEmailToken = endpoint({
  id: 'submitEmailToken',
  method: 'POST',
  path: '/_matrix/client/unstable/chat.blinkchat/email/submit_token',
  auth: 'none',
  body: Type.Object({ sid: Type.String(), client_secret: Type.String(), token: Type.String() }),
  response: Type.Object({ success: Type.Boolean() }),
  errors: ['M_TOKEN_INCORRECT', 'M_INVALID_PARAM', 'M_SESSION_EXPIRED'],
  rateLimit: 'login',
  since: 'unstable',
  spec: 'https://spec.matrix.org/latest/identity-service-api/#post_matrixidentityv2validateemailsubmittoken',
});

const LinkQuery = Type.Object({ sid: Type.String(), token: Type.String() });

/** The page behind the link of a mail. It asks to confirm, because mail scanners follow links too. */
export const showEmailConfirmation = endpoint({
  id: 'showEmailConfirmation',
  method: 'GET',
  path: '/_matrix/client/unstable/chat.blinkchat/email/confirm',
  auth: 'none',
  query: LinkQuery,
  response: 'raw',
  since: 'unstable',
  spec: 'https://spec.matrix.org/latest/identity-service-api/#get_matrixidentityv2validateemailsubmittoken',
});

/** The confirmation itself: what the page's button sends. */
export const confirmEmail = endpoint({
  id: 'confirmEmail',
  method: 'POST',
  path: '/_matrix/client/unstable/chat.blinkchat/email/confirm',
  auth: 'none',
  query: LinkQuery,
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'unstable',
  spec: 'https://spec.matrix.org/latest/identity-service-api/#get_matrixidentityv2validateemailsubmittoken',
});
