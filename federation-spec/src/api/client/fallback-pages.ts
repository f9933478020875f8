import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

const FALLBACK = 'https://spec.matrix.org/latest/client-server-api/#fallback';

const StageSchema = Type.Object({ authType: Type.String() });
const SessionSchema = Type.Object({ session: Type.String() });

/** The page for a stage of authentication that a client cannot show. https://spec.matrix.org/latest/client-server-api/#fallback */
export const getAuthenticationFallback = endpoint({
  id: 'getAuthenticationFallback',
  method: 'GET',
  path: '/_matrix/client/v3/auth/:authType/fallback/web',
  auth: 'none',
  params: StageSchema,
  query: SessionSchema,
  response: 'raw',
  rateLimit: 'login',
  spec: FALLBACK,
});

/** What that page sends when it is done. https://spec.matrix.org/latest/client-server-api/#fallback */
export const submitAuthenticationFallback = endpoint({
  id: 'submitAuthenticationFallback',
  method: 'POST',
  path: '/_matrix/client/v3/auth/:authType/fallback/web',
  auth: 'none',
  params: StageSchema,
  query: Type.Object({ session: Type.Optional(Type.String()) }),
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  spec: FALLBACK,
});

/** The page to log in with when a client knows none of the flows. https://spec.matrix.org/latest/client-server-api/#login-fallback */
export const getLoginFallback = endpoint({
  id: 'getLoginFallback',
  method: 'GET',
  path: '/_matrix/static/client/login/',
  auth: 'none',
  query: Type.Object({ device_id: Type.Optional(Type.String()), initial_device_display_name: Type.Optional(Type.String()) }),
  response: 'raw',
  rateLimit: 'login',
  spec: 'https://spec.matrix.org/latest/client-server-api/#login-fallback',
});
