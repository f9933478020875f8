import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/**
 * Get the OAuth 2.0 authorisation server metadata.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1auth_metadata
 */
export const getAuthMetadata = endpoint({
  id: 'getAuthMetadata',
  method: 'GET',
  path: '/_matrix/client/v1/auth_metadata',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc2965/auth_metadata'],
  auth: 'none',
  response: Type.Object({
    issuer: Type.String(),
    authorization_endpoint: Type.String(),
    token_endpoint: Type.String(),
    revocation_endpoint: Type.String(),
    registration_endpoint: Type.String(),
    response_types_supported: Type.Array(Type.String()),
    grant_types_supported: Type.Array(Type.String()),
    response_modes_supported: Type.Array(Type.String()),
    code_challenge_methods_supported: Type.Array(Type.String()),
    prompt_values_supported: Type.Optional(Type.Array(Type.String())),
    account_management_uri: Type.Optional(Type.String()),
    account_management_actions_supported: Type.Optional(Type.Array(Type.String())),
    device_authorization_endpoint: Type.Optional(Type.String()),
  }),
  errors: ['M_UNRECOGNIZED'],
  since: 'v1.15',
});
