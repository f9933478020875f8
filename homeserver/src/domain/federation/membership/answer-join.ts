import type { Database } from '../../../storage/database.ts';
import { listAuthChain, listEventsByNid } from '../../../storage/events.ts';
import { loadStateBefore } from '../../rooms/receive-pdu/nid-state.ts';
import type { AcceptMembership, SentMembership } from './accept-membership.ts';

/** Puts a join into the room; resolves with the answer's JSON: the state before it, what allows that, and the event as it now is. */
export type AnswerJoin = (sent: SentMembership) => Promise<string>;

type Deps = { database: Database; acceptMembership: AcceptMembership; serverName: string };

/** https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv2send_joinroomideventid */
export function createAnswerJoin({ database, acceptMembership, serverName }: Deps): AnswerJoin {
  const { sql } = database;
  return async (sent) => {
    const { room, event, stored } = await acceptMembership(sent);
    const before = await loadStateBefore(sql, stored);
    if (before === undefined) throw new Error(`the state before ${stored.eventId} is not known`);
    const nids = [...before.values()];
    const state = await listEventsByNid(sql, nids);
    const chain = await listEventsByNid(sql, await listAuthChain(sql, [...nids, stored.eventNid]));
    // The stored texts are put together as they are: a large state would take long to parse and write anew.
    const list = (events: readonly { json: string }[]) => `[${events.map((entry) => entry.json).join(',')}]`;
    const around = JSON.stringify({ origin: serverName, members_omitted: false, event, servers_in_room: [...room.joinedServers.keys()] });
    return `${around.slice(0, -1)},"state":${list(state)},"auth_chain":${list(chain)}}`;
  };
}
