import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { JsonObjectSchema } from '../schemas/json.ts';

/** The media servers that calls may use, such as LiveKit's. https://github.com/matrix-org/matrix-spec-proposals/pull/4143 */
export const getRtcTransports = endpoint({
  id: 'getRtcTransports',
  method: 'GET',
  path: '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports',
  alsoAt: ['/_matrix/client/v1/rtc/transports'],
  auth: 'access-token',
  guests: true,
  response: Type.Object({ rtc_transports: Type.Array(Type.Intersect([Type.Object({ type: Type.String() }), JsonObjectSchema])) }),
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4143',
});
