import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { PduSchema } from '../schemas/pdus.ts';
import { ThirdPartyProofSchema } from '../schemas/third-party-identifiers.ts';

/**
 * Invites a remote user to a room of version 1 or 2: the body is the event itself, with `invite_room_state` in its `unsigned`.
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv1inviteroomideventid
 */
export const sendInviteV1 = endpoint({
  id: 'sendInviteV1',
  method: 'PUT',
  path: '/_matrix/federation/v1/invite/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  body: PduSchema,
  response: Type.Tuple([Type.Literal(200), Type.Object({ event: PduSchema })]),
  errors: ['M_FORBIDDEN', 'M_INVITE_BLOCKED', 'M_INVALID_PARAM'],
  rateLimit: 'federation',
});

/** Invites a remote user to a room of any version. https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv2inviteroomideventid */
export const sendInviteV2 = endpoint({
  id: 'sendInviteV2',
  method: 'PUT',
  path: '/_matrix/federation/v2/invite/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  // What is shown of the room is for the person invited, and should be a list of events: what is none must not spoil the invite.
  body: Type.Object({ room_version: Type.String(), event: PduSchema, invite_room_state: Type.Optional(Type.Unknown()) }),
  response: Type.Object({ event: PduSchema }),
  errors: ['M_INCOMPATIBLE_ROOM_VERSION', 'M_MISSING_PARAM', 'M_INVALID_PARAM', 'M_FORBIDDEN', 'M_INVITE_BLOCKED'],
  rateLimit: 'federation',
});

/**
 * Notifies the server that a third-party identifier has been bound to one of its users.
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv13pidonbind
 */
export const onBindThirdPartyIdentifier = endpoint({
  id: 'onBindThirdPartyIdentifier',
  method: 'PUT',
  path: '/_matrix/federation/v1/3pid/onbind',
  auth: 'none',
  body: Type.Object({
    medium: Type.String(),
    address: Type.String(),
    mxid: UserIdSchema,
    invites: Type.Array(
      Type.Object({
        medium: Type.String(),
        address: Type.String(),
        mxid: UserIdSchema,
        room_id: RoomIdSchema,
        sender: UserIdSchema,
        signed: ThirdPartyProofSchema,
      }),
    ),
  }),
  response: EmptySchema,
  rateLimit: 'federation',
});

/**
 * Request a server to auth a third-party invite event.
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid
 */
export const exchangeThirdPartyInvite = endpoint({
  id: 'exchangeThirdPartyInvite',
  method: 'PUT',
  path: '/_matrix/federation/v1/exchange_third_party_invite/:roomId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({
    type: Type.String(),
    room_id: RoomIdSchema,
    sender: UserIdSchema,
    state_key: UserIdSchema,
    content: Type.Object({
      membership: Type.String(),
      third_party_invite: Type.Object({ display_name: Type.Optional(Type.String()), signed: ThirdPartyProofSchema }),
    }),
  }),
  response: EmptySchema,
  rateLimit: 'federation',
});
