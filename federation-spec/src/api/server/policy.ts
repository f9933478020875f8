import { endpoint } from '../endpoint.ts';
import { PduSchema } from '../schemas/pdus.ts';
import { SignaturesSchema } from '../schemas/signatures.ts';

/** Asks the Policy Server to sign an event. https://spec.matrix.org/latest/server-server-api/#post_matrixpolicyv1sign */
export const askPolicyServerToSign = endpoint({
  id: 'askPolicyServerToSign',
  method: 'POST',
  path: '/_matrix/policy/v1/sign',
  alsoAt: ['/_matrix/policy/unstable/org.matrix.msc4284/sign'],
  auth: 'federation',
  body: PduSchema,
  response: SignaturesSchema,
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND', 'M_UNRECOGNIZED'],
  rateLimit: 'federation',
  since: 'v1.18',
});
