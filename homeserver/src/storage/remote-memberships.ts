import type { Sql } from './database.ts';
import { type Membership, membershipNumber } from './memberships.ts';

export type RemoteMembership = {
  roomNid: number;
  userNid: number;
  membership: Membership;
  position: number;
  /** Stripped state events as a JSON array, for invites and knocks. */
  strippedState: string | null;
  /** The id and the time of an invite's event, as a JSON object. */
  inviteSource?: string | undefined;
};

/** Sets a local user's standing in a room that this server is not in. Who has been let in meanwhile is a member by the room's own word. */
export async function setRemoteMembership(sql: Sql, given: RemoteMembership): Promise<void> {
  const { roomNid, userNid, membership, position, strippedState, inviteSource = null } = given;
  await sql`
    insert into memberships (room_nid, user_nid, membership, position, event_nid, stripped_state, invite_source)
    values (${roomNid}, ${userNid}, ${membershipNumber(membership)}, ${position}, null, ${strippedState}, ${inviteSource})
    on conflict (room_nid, user_nid) do update
      set membership = excluded.membership, position = excluded.position, event_nid = null,
          stripped_state = excluded.stripped_state, invite_source = excluded.invite_source, forgotten = false
      where memberships.membership <> ${membershipNumber('join')}`;
}

/** The id and the time of the event by which a local user was invited, as a JSON object; undefined where that is not known. */
export async function findInviteSource(sql: Sql, roomNid: number, userNid: number): Promise<string | undefined> {
  const [row] = await sql<{ source: string | null }[]>`
    select invite_source as "source" from memberships where room_nid = ${roomNid} and user_nid = ${userNid}`;
  return row?.source ?? undefined;
}
