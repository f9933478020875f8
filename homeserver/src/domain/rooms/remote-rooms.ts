import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import type { HotRoom } from './hot-room.ts';

/** Who acts, and by which servers a room may be reached. */
export type RemoteMembershipRequest = {
  roomId: string;
  userId: string;
  userNid: number;
  via: readonly string[];
  /** What the membership event says beside `membership`. */
  content: JsonObject;
};

/**
 * What a writer needs of other servers when this one is not in the room, or when another must sign.
 * Each throws a `MatrixError` that tells the user what went wrong.
 */
export type RemoteRooms = {
  /**
   * Joins through one of the servers; resolves when the room is in the log, or with `again` when meanwhile somebody else's join of the
   * room has ended: it may be ours now, and is to be looked at again.
   * https://spec.matrix.org/latest/server-server-api/#joining-rooms
   */
  join: (request: RemoteMembershipRequest) => Promise<'joined' | 'again'>;
  /** Asks to be let in. https://spec.matrix.org/latest/server-server-api/#knocking-rooms */
  knock: (request: RemoteMembershipRequest) => Promise<void>;
  /** Rejects an invite, or withdraws a knock. https://spec.matrix.org/latest/server-server-api/#leaving-rooms-rejecting-invites */
  leave: (request: RemoteMembershipRequest) => Promise<void>;
  /** Has the invited user's server sign the invite; resolves with the event that both have signed. https://spec.matrix.org/latest/server-server-api/#inviting-to-a-room */
  invite: (room: HotRoom, event: Pdu, eventId: string) => Promise<Pdu>;
};
