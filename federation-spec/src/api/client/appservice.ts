import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { VisibilitySchema } from '../schemas/room-directory.ts';

/**
 * Ask the homeserver to ping the application service to ensure the connection works.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv1appserviceappserviceidping
 */
export const pingAppservice = endpoint({
  id: 'pingAppservice',
  method: 'POST',
  path: '/_matrix/client/v1/appservice/:appserviceId/ping',
  alsoAt: ['/_matrix/client/unstable/fi.mau.msc2659/appservice/:appserviceId/ping'],
  auth: 'appservice',
  params: Type.Object({ appserviceId: Type.String() }),
  body: Type.Object({ transaction_id: Type.Optional(Type.String()) }),
  response: Type.Object({ duration_ms: Type.Integer() }),
  errors: ['M_URL_NOT_SET', 'M_FORBIDDEN', 'M_BAD_STATUS', 'M_CONNECTION_FAILED', 'M_CONNECTION_TIMEOUT'],
  since: 'v1.7',
});

/**
 * Updates a room's visibility in the application service's published room directory.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3directorylistappservicenetworkidroomid
 */
export const updateAppserviceRoomDirectoryVisibility = endpoint({
  id: 'updateAppserviceRoomDirectoryVisibility',
  method: 'PUT',
  path: '/_matrix/client/v3/directory/list/appservice/:networkId/:roomId',
  auth: 'appservice',
  params: Type.Object({ networkId: Type.String(), roomId: RoomIdSchema }),
  body: Type.Object({ visibility: VisibilitySchema }),
  response: EmptySchema,
});
