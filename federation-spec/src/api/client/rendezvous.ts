import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema } from '../schemas/json.ts';

/*
 * A place where two devices meet to log one of them in by QR code: whoever knows the address may read and write what is there.
 */

const SessionParamsSchema = Type.Object({ id: Type.String() });

/** Whether the user may open a session. https://github.com/matrix-org/matrix-spec-proposals/pull/4388 */
export const discoverRendezvous = endpoint({
  id: 'discoverRendezvous',
  method: 'GET',
  path: '/_matrix/client/unstable/io.element.msc4388/rendezvous',
  auth: 'optional-access-token',
  response: Type.Object({ create_available: Type.Boolean() }),
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4388',
});

/** Open a session. https://github.com/matrix-org/matrix-spec-proposals/pull/4388 */
export const createRendezvousSession = endpoint({
  id: 'createRendezvousSession',
  method: 'POST',
  path: '/_matrix/client/unstable/io.element.msc4388/rendezvous',
  auth: 'optional-access-token',
  body: Type.Object({ data: Type.String() }),
  response: Type.Object({ id: Type.String(), sequence_token: Type.String(), expires_in_ms: Type.Integer() }),
  errors: ['M_TOO_LARGE', 'M_FORBIDDEN'],
  rateLimit: 'login',
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4388',
});

/** Read what the other device wrote. https://github.com/matrix-org/matrix-spec-proposals/pull/4388 */
export const getRendezvousSession = endpoint({
  id: 'getRendezvousSession',
  method: 'GET',
  path: '/_matrix/client/unstable/io.element.msc4388/rendezvous/:id',
  auth: 'none',
  params: SessionParamsSchema,
  response: Type.Object({ data: Type.String(), sequence_token: Type.String(), expires_in_ms: Type.Integer() }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4388',
});

/** Write to the session, unless the other device was faster. https://github.com/matrix-org/matrix-spec-proposals/pull/4388 */
export const updateRendezvousSession = endpoint({
  id: 'updateRendezvousSession',
  method: 'PUT',
  path: '/_matrix/client/unstable/io.element.msc4388/rendezvous/:id',
  auth: 'none',
  params: SessionParamsSchema,
  body: Type.Object({ sequence_token: Type.String(), data: Type.String() }),
  response: Type.Object({ sequence_token: Type.String() }),
  errors: ['M_NOT_FOUND', 'M_TOO_LARGE', 'IO_ELEMENT_MSC4388_CONCURRENT_WRITE'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4388',
});

/** Close the session. https://github.com/matrix-org/matrix-spec-proposals/pull/4388 */
export const deleteRendezvousSession = endpoint({
  id: 'deleteRendezvousSession',
  method: 'DELETE',
  path: '/_matrix/client/unstable/io.element.msc4388/rendezvous/:id',
  auth: 'none',
  params: SessionParamsSchema,
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4388',
});

/**
 * Open a session of the older kind: plain text, whose version is its ETag, at the `url` of the answer.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4108
 */
export const createEtagRendezvousSession = endpoint({
  id: 'createEtagRendezvousSession',
  method: 'POST',
  path: '/_matrix/client/unstable/org.matrix.msc4108/rendezvous',
  auth: 'none',
  body: 'raw',
  response: Type.Object({ url: Type.String() }),
  errors: ['M_TOO_LARGE'],
  rateLimit: 'login',
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4108',
});

/** Read a session of the older kind, with `If-None-Match`. https://github.com/matrix-org/matrix-spec-proposals/pull/4108 */
export const getEtagRendezvousSession = endpoint({
  id: 'getEtagRendezvousSession',
  method: 'GET',
  path: '/_matrix/client/unstable/org.matrix.msc4108/rendezvous/:id',
  auth: 'none',
  params: SessionParamsSchema,
  response: 'raw',
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4108',
});

/** Write to a session of the older kind, with `If-Match`. https://github.com/matrix-org/matrix-spec-proposals/pull/4108 */
export const updateEtagRendezvousSession = endpoint({
  id: 'updateEtagRendezvousSession',
  method: 'PUT',
  path: '/_matrix/client/unstable/org.matrix.msc4108/rendezvous/:id',
  auth: 'none',
  params: SessionParamsSchema,
  body: 'raw',
  response: 'raw',
  errors: ['M_NOT_FOUND', 'M_TOO_LARGE', 'M_CONCURRENT_WRITE'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4108',
});

/** Close a session of the older kind. https://github.com/matrix-org/matrix-spec-proposals/pull/4108 */
export const deleteEtagRendezvousSession = endpoint({
  id: 'deleteEtagRendezvousSession',
  method: 'DELETE',
  path: '/_matrix/client/unstable/org.matrix.msc4108/rendezvous/:id',
  auth: 'none',
  params: SessionParamsSchema,
  response: 'raw',
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4108',
});
