import type { Sql } from './database.ts';
import { type Membership, membershipNumber } from './memberships.ts';

export type RemoteMembership = {
  roomNid: number;
  userNid: number;
  membership: Membership;
  position: number;
  /** Stripped state events as a JSON array, for invites and knocks. */
  strippedState: string | null;
};

/** Sets a local user's standing in a room that this server is not in. */
export async function setRemoteMembership(sql: Sql, given: RemoteMembership): Promise<void> {
  const { roomNid, userNid, membership, position, strippedState } = given;
  await sql`
    insert into memberships (room_nid, user_nid, membership, position, event_nid, stripped_state)
    values (${roomNid}, ${userNid}, ${membershipNumber(membership)}, ${position}, null, ${strippedState})
    on conflict (room_nid, user_nid) do update
      set membership = excluded.membership, position = excluded.position, event_nid = null,
          stripped_state = excluded.stripped_state, forgotten = false`;
}
