import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

const PATH = '/_matrix/client/unstable/chat.blinkchat/mails/unsubscribe';
const SPEC = 'https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3pushersset';
const TokenQuery = Type.Object({ token: Type.String() });

/** The page behind the link in a mail about missed messages. It asks to confirm, because mail scanners follow links too. */
export const showUnsubscribe = endpoint({
  id: 'showUnsubscribe',
  method: 'GET',
  path: PATH,
  auth: 'none',
  query: TokenQuery,
  response: 'raw',
  since: 'unstable',
  spec: SPEC,
});

/** Ends these mails: what the page's button sends, and mail programs by https://www.rfc-editor.org/rfc/rfc8058. */
export const unsubscribe = endpoint({
  id: 'unsubscribe',
  method: 'POST',
  path: PATH,
  auth: 'none',
  query: TokenQuery,
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'unstable',
  spec: SPEC,
});
