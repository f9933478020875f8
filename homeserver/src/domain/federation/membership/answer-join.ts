import type { Database } from '../../../storage/database.ts';
import { listAuthChain, listEventsByNid } from '../../../storage/events.ts';
import { listHeroNids, listMemberNids } from '../../../storage/join-answers.ts';
import { loadStateBefore } from '../../rooms/receive-pdu/nid-state.ts';
import type { AcceptMembership, SentMembership } from './accept-membership.ts';

/** Puts a join into the room; resolves with the answer's JSON: the state before it, what allows that, and the event as it now is. */
export type AnswerJoin = (sent: SentMembership, options?: { omitMembers: boolean }) => Promise<string>;

/** By how many members a room without a name is called. */
const MAX_HEROES = 5;

type Deps = { database: Database; acceptMembership: AcceptMembership; serverName: string };

/** https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv2send_joinroomideventid */
export function createAnswerJoin({ database, acceptMembership, serverName }: Deps): AnswerJoin {
  const { sql } = database;

  /** Without the memberships of anybody but those by whom the room is called. What the state holds, the chain leaves out. */
  async function omitMembers(roomNid: number, nids: readonly number[]): Promise<number[]> {
    const heroes = new Set(await listHeroNids(sql, roomNid, MAX_HEROES));
    const others = new Set(await listMemberNids(sql, nids));
    return nids.filter((nid) => !others.has(nid) || heroes.has(nid));
  }

  return async (sent, options = { omitMembers: false }) => {
    const { room, event, stored } = await acceptMembership(sent);
    const before = await loadStateBefore(sql, stored);
    if (before === undefined) throw new Error(`the state before ${stored.eventId} is not known`);
    const all = [...before.values()];
    const nids = options.omitMembers ? await omitMembers(room.nid, all) : all;
    const state = await listEventsByNid(sql, nids);
    const inState = new Set(options.omitMembers ? nids : []);
    const chainNids = (await listAuthChain(sql, [...nids, stored.eventNid])).filter((nid) => !inState.has(nid));
    const chain = await listEventsByNid(sql, chainNids);
    // The stored texts are put together as they are: a large state would take long to parse and write anew.
    const list = (events: readonly { json: string }[]) => `[${events.map((entry) => entry.json).join(',')}]`;
    const around = JSON.stringify({
      origin: serverName,
      members_omitted: options.omitMembers,
      event,
      servers_in_room: [...room.joinedServers].flatMap(([server, joined]) => (server === sent.origin && joined === 1 ? [] : [server])),
    });
    return `${around.slice(0, -1)},"state":${list(state)},"auth_chain":${list(chain)}}`;
  };
}
