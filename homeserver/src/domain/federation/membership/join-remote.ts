import { makeJoin } from 'federation-spec/api/server/joining.ts';
import { isJsonObject, type Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { ROOM_VERSIONS, type RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { type CheckedPdu, checkPdus } from '../../rooms/receive-pdu/check-pdu.ts';
import type { ReceivePdu } from '../../rooms/receive-pdu/receive-pdu.ts';
import type { FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import type { RemoteMembershipRequest, RemoteRooms } from '../../rooms/remote-rooms.ts';
import type { JoinedRoom, TakeJoinedRoom } from '../../rooms/take-joined-room.ts';
import { INSISTING } from '../circuit-breaker.ts';
import { FederationError } from '../federation-error.ts';
import type { JoinsUnderWay } from '../joins-under-way.ts';
import { askCandidates } from './ask-candidates.ts';
import { listCandidateServers } from './candidate-servers.ts';
import { completeTemplate } from './complete-template.ts';
import type { RemoteMembershipDeps } from './remote-membership.ts';
import { type SendJoinAnswer, sendJoin } from './send-membership.ts';

const MAKE_TIMEOUT_MS = 20_000;
const SEND_TIMEOUT_MS = 120_000;
/** The state of a very large room; an answer without end stops here. */
const MAX_STATE_BYTES = 96 * 1024 * 1024;
/** After so long no further server is asked to let somebody in. */
const PATIENCE_MS = 90_000;
/** Most servers that are believed to be in a room before its members are known. */
const MAX_SERVERS_IN_ROOM = 10_000;

type Deps = RemoteMembershipDeps & {
  rooms: HotRooms;
  receivePdu: ReceivePdu;
  joins: JoinsUnderWay;
  findServerKey: FindServerKey;
  takeJoinedRoom: TakeJoinedRoom;
  /** A room was joined without the memberships of most others. */
  completeLater: () => Promise<void>;
};

/**
 * Joins a room through a server that is in it: 1. ask for a template, 2. complete and sign it, 3. have it sent, 4. check the state that
 * comes back, event by event, 5. make the room ours. Joins of one room go one after the other: the second may find the room here.
 *
 * https://spec.matrix.org/latest/server-server-api/#joining-rooms
 */
export function createJoinRemote(deps: Deps): RemoteRooms['join'] {
  const { client, isUnreachable, signer, clock, logger, rooms, standing, joins, findServerKey, receivePdu, takeJoinedRoom, completeLater } =
    deps;
  const underWay = new Map<string, Promise<void>>();

  async function joinBy(resident: string, { roomId, userId, content }: RemoteMembershipRequest): Promise<void> {
    const params = { roomId, userId };
    const template = await client.call(
      resident,
      makeJoin,
      { params, query: { ver: ROOM_VERSIONS } },
      { timeoutMs: MAKE_TIMEOUT_MS, ...INSISTING },
    ); // 1
    const { pdu, rules } = await completeTemplate(template, { resident, roomId, userId, membership: 'join', content }, deps); // 2

    const waiting = joins.begin(roomId, rules);
    try {
      const options = { timeoutMs: SEND_TIMEOUT_MS, maxBytes: MAX_STATE_BYTES, ...INSISTING };
      const here = await rooms.load(roomId);
      // Of a room that is ours already nothing is needed but that the user was let in.
      const omitMembers = here === undefined || isOurs(here);
      const answer = await sendJoin(client, resident, { roomId, join: pdu, omitMembers }, options); // 3
      if (answer.members_omitted === true && !omitMembers)
        throw new FederationError(resident, 'it leaves out members though it was not asked to');
      const join = await checkJoin(resident, {
        roomId,
        rules,
        join: answer.event === undefined ? pdu : withSignatures(pdu, answer.event, rules),
      }); // 4
      const room = await rooms.load(roomId);
      if (room !== undefined && isOurs(room)) await addTo(room, join, resident);
      else await takeJoinedRoom(await checkRoom(resident, { roomId, rules, join }, answer)); // 5
      if (answer.members_omitted === true) await completeLater();
    } finally {
      waiting.end();
    }
  }

  const isOurs = (room: HotRoom) => room.joinedServers.has(signer.serverName);

  /** We were in the room already, and only another server could let the user in: the room stays as it is, with one event more. */
  async function addTo(room: HotRoom, join: CheckedPdu, resident: string): Promise<void> {
    const reception = await receivePdu(room, join, { origin: resident });
    if (reception.reason !== undefined) throw new FederationError(resident, `it let a user in who may not come: ${reception.reason}`);
    await reception.committed;
  }

  async function checkJoin(resident: string, { roomId, rules, join }: Joining): Promise<CheckedPdu> {
    const [checked] = await checkPdus([join.event], { roomId, rules }, findServerKey);
    if (checked === undefined) throw new FederationError(resident, 'it did not sign the join that it vouched for');
    return checked;
  }

  async function checkRoom(resident: string, { roomId, rules, join }: Joining, answer: SendJoinAnswer): Promise<JoinedRoom> {
    const state = await checkPdus(answer.state, { roomId, rules }, findServerKey);
    const authChain = await checkPdus(answer.auth_chain, { roomId, rules }, findServerKey);
    const create = state.find((pdu) => pdu.event.type === 'm.room.create' && pdu.event.state_key === '');
    if (create === undefined) throw new FederationError(resident, 'the state it gave has no good m.room.create event');
    if ((create.event.content['room_version'] ?? '1') !== rules.version)
      throw new FederationError(resident, 'it lied about the version of the room');
    if (answer.members_omitted !== true) return { roomId, rules, join, state, authChain };
    const named = (answer.servers_in_room ?? []).filter((server) => parseServerName(server) !== undefined);
    if (named.length === 0) throw new FederationError(resident, 'it leaves out who is in the room, and which servers are');
    // Whether we are there is for us to know.
    const servers = [...new Set([resident, ...named])].filter((server) => server !== signer.serverName);
    return { roomId, rules, join, state, authChain, partial: { resident, servers: servers.slice(0, MAX_SERVERS_IN_ROOM) } };
  }

  async function join(request: RemoteMembershipRequest): Promise<void> {
    const known = await standing.find(request.roomId, request.userNid);
    const candidates = listCandidateServers(request, known, signer.serverName);
    await askCandidates(candidates, { logger, isUnreachable, clock, patienceMs: PATIENCE_MS }, (server) => joinBy(server, request));
  }

  return async (request) => {
    const before = underWay.get(request.roomId);
    if (before !== undefined) {
      await before.catch(() => undefined); // its own user is told
      return 'again';
    }
    const attempt = join(request).finally(() => underWay.delete(request.roomId));
    underWay.set(request.roomId, attempt);
    await attempt;
    return 'joined';
  };
}

type Joining = { roomId: string; rules: RoomVersionRules; join: CheckedPdu };

/** Our event with the signatures that the resident's copy of it has. */
function withSignatures(pdu: CheckedPdu, given: unknown, rules: RoomVersionRules): CheckedPdu {
  if (!isJsonObject(given) || !isJsonObject(given['signatures'])) return pdu;
  const copy = { ...pdu.event, signatures: { ...(given['signatures'] as Pdu['signatures']), ...pdu.event.signatures } };
  return { event: copy, eventId: eventIdOf(copy, rules) };
}
