import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { MembershipSchema, StateEventSchema } from '../schemas/events.ts';
import { ContentUriSchema, RoomIdOrAliasSchema, RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema, mapOf } from '../schemas/json.ts';
import { QueryListSchema } from '../schemas/query.ts';
import { ThirdPartyInviteSchema, ThirdPartySignedSchema } from '../schemas/third-party-identifiers.ts';

/** The servers to ask, when ours is not in the room; `server_name` is what `via` was called before v1.12. */
const ViaSchema = Type.Object({ via: Type.Optional(QueryListSchema), server_name: Type.Optional(QueryListSchema) });

const ReasonSchema = Type.Object({ reason: Type.Optional(Type.String()) });
const JoinSchema = Type.Object({ ...ReasonSchema.properties, third_party_signed: Type.Optional(ThirdPartySignedSchema) });
const TargetSchema = Type.Object({ ...ReasonSchema.properties, user_id: UserIdSchema });

/**
 * Gets the list of currently joined users and their profile data.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidjoined_members
 */
export const getJoinedMembersByRoom = endpoint({
  id: 'getJoinedMembersByRoom',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/joined_members',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: Type.Object({
    joined: mapOf(Type.Object({ display_name: Type.Optional(Type.String()), avatar_url: Type.Optional(ContentUriSchema) })),
  }),
});

/**
 * Get the m.room.member events for the room.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidmembers
 */
export const getMembersByRoom = endpoint({
  id: 'getMembersByRoom',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/members',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({
    at: Type.Optional(Type.String()),
    membership: Type.Optional(MembershipSchema),
    not_membership: Type.Optional(MembershipSchema),
  }),
  response: Type.Object({ chunk: Type.Array(StateEventSchema) }),
});

/**
 * Join the requesting user to a particular room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3joinroomidoralias
 */
export const joinRoom = endpoint({
  id: 'joinRoom',
  method: 'POST',
  path: '/_matrix/client/v3/join/:roomIdOrAlias',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomIdOrAlias: RoomIdOrAliasSchema }),
  query: ViaSchema,
  body: JoinSchema,
  response: Type.Object({ room_id: RoomIdSchema }),
  errors: ['M_FORBIDDEN'],
  rateLimit: 'join',
});

/** Lists the user's current rooms. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3joined_rooms */
export const getJoinedRooms = endpoint({
  id: 'getJoinedRooms',
  method: 'GET',
  path: '/_matrix/client/v3/joined_rooms',
  auth: 'access-token',
  guests: true,
  response: Type.Object({ joined_rooms: Type.Array(RoomIdSchema) }),
});

/**
 * Knock on a room, requesting permission to join.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3knockroomidoralias
 */
export const knockRoom = endpoint({
  id: 'knockRoom',
  method: 'POST',
  path: '/_matrix/client/v3/knock/:roomIdOrAlias',
  alsoAt: ['/_matrix/client/unstable/xyz.amorgan.knock/knock/:roomIdOrAlias'],
  auth: 'access-token',
  params: Type.Object({ roomIdOrAlias: RoomIdOrAliasSchema }),
  query: ViaSchema,
  body: ReasonSchema,
  response: Type.Object({ room_id: RoomIdSchema }),
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND'],
  rateLimit: 'join',
});

/** Ban a user in the room. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidban */
export const ban = endpoint({
  id: 'ban',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/ban',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: TargetSchema,
  response: EmptySchema,
  errors: ['M_FORBIDDEN'],
});

/**
 * Stop the requesting user remembering about a particular room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidforget
 */
export const forgetRoom = endpoint({
  id: 'forgetRoom',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/forget',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: EmptySchema,
});

/**
 * Invite a user to participate in a particular room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidinvite
 */
export const inviteUser = endpoint({
  id: 'inviteUser',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/invite',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  /** By user id, or as `inviteBy3PID` has it: one route serves both. */
  body: Type.Union([TargetSchema, ThirdPartyInviteSchema]),
  response: EmptySchema,
  errors: ['M_UNSUPPORTED_ROOM_VERSION', 'M_FORBIDDEN', 'M_INVITE_BLOCKED'],
  rateLimit: 'invite',
});

/**
 * Join the requesting user to a particular room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidjoin
 */
export const joinRoomById = endpoint({
  id: 'joinRoomById',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/join',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema }),
  body: JoinSchema,
  response: Type.Object({ room_id: RoomIdSchema }),
  errors: ['M_FORBIDDEN'],
  rateLimit: 'join',
});

/** Kick a user from the room. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidkick */
export const kick = endpoint({
  id: 'kick',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/kick',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: TargetSchema,
  response: EmptySchema,
  errors: ['M_FORBIDDEN'],
});

/**
 * Stop the requesting user participating in a particular room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidleave
 */
export const leaveRoom = endpoint({
  id: 'leaveRoom',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/leave',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema }),
  body: ReasonSchema,
  response: EmptySchema,
});

/** Unban a user from the room. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidunban */
export const unban = endpoint({
  id: 'unban',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/unban',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: TargetSchema,
  response: EmptySchema,
  errors: ['M_FORBIDDEN'],
});

/**
 * Invite a user to participate in a particular room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidinvite
 */
export const inviteBy3PID = endpoint({
  id: 'inviteBy3PID',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/invite',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: ThirdPartyInviteSchema,
  response: EmptySchema,
  errors: ['M_FORBIDDEN', 'M_INVITE_BLOCKED'],
  rateLimit: 'invite',
  servedBy: 'inviteUser',
});
