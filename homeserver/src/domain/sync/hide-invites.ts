import { isJsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid } from '../../storage/events.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { InvitePermission } from '../rooms/invite-permission.ts';
import { readPdu } from '../rooms/read-pdu.ts';

/** Leaves out the invites that the user wants to see nothing of. Costs a question only while there are invites. */
export type HideInvites = (userNid: number, standings: UserMembership[]) => Promise<UserMembership[]>;

type Deps = { database: Database; invitePermission: Pick<InvitePermission, 'loadJudge'> };

/** https://spec.matrix.org/latest/client-server-api/#invite-permission */
export function createHideInvites({ database, invitePermission }: Deps): HideInvites {
  return async function hideInvites(userNid, standings) {
    const invites = standings.filter((room) => room.membership === 'invite');
    const judge = invites.length === 0 ? undefined : await invitePermission.loadJudge(userNid);
    if (judge === undefined) return standings;

    const events = await listEventsByNid(
      database.sql,
      invites.flatMap((room) => room.eventNid ?? []),
    );
    const senders = new Map(events.map((event) => [event.eventNid, readPdu(event.json).sender]));
    const senderOf = ({ eventNid, strippedState }: UserMembership): string =>
      (eventNid === null ? undefined : senders.get(eventNid)) ?? strippedSender(strippedState) ?? '';
    const hidden = new Set(invites.filter((room) => judge(senderOf(room)) !== 'allow').map((room) => room.roomNid));
    return standings.filter((room) => !hidden.has(room.roomNid));
  };
}

/** The person's own membership stands last in what an invite brings. */
function strippedSender(text: string | null): string | undefined {
  const events: unknown = JSON.parse(text ?? '[]');
  const own: unknown = Array.isArray(events) ? events.findLast((event) => isJsonObject(event) && event['type'] === MEMBER) : undefined;
  return isJsonObject(own) && typeof own['sender'] === 'string' ? own['sender'] : undefined;
}
