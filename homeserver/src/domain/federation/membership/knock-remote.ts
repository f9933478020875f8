import { makeKnock, sendKnock } from 'federation-spec/api/server/knocking.ts';
import { ROOM_VERSIONS } from 'federation-spec/room-versions/room-versions.ts';
import type { RemoteMembershipRequest } from '../../rooms/remote-rooms.ts';
import { listStripped, stripPdu } from '../../rooms/remote-standing.ts';
import { INSISTING } from '../circuit-breaker.ts';
import { askCandidates } from './ask-candidates.ts';
import { listCandidateServers } from './candidate-servers.ts';
import { completeTemplate } from './complete-template.ts';
import type { RemoteMembershipDeps } from './remote-membership.ts';

/** After so long no further server is asked. */
const PATIENCE_MS = 45_000;

/** Asks to be let into a room that this server is not in. https://spec.matrix.org/latest/server-server-api/#knocking-rooms */
export function createKnockRemote(deps: RemoteMembershipDeps): (request: RemoteMembershipRequest) => Promise<void> {
  const { client, isUnreachable, signer, clock, logger, standing } = deps;

  async function knockAt(resident: string, { roomId, userId, userNid, content }: RemoteMembershipRequest): Promise<void> {
    const template = await client.call(resident, makeKnock, { params: { roomId, userId }, query: { ver: ROOM_VERSIONS } }, INSISTING);
    const { pdu, rules } = await completeTemplate(template, { resident, roomId, userId, membership: 'knock', content }, deps);
    const answer = await client.call(resident, sendKnock, { params: { roomId, eventId: pdu.eventId }, body: { ...pdu.event } }, INSISTING);
    const strippedState = [...listStripped(answer.knock_room_state), stripPdu(pdu.event)];
    await standing.set({ roomId, version: rules.version, userNid, membership: 'knock', strippedState });
  }

  return async (request) => {
    const known = await standing.find(request.roomId, request.userNid);
    const candidates = listCandidateServers(request, known, signer.serverName);
    await askCandidates(candidates, { logger, isUnreachable, clock, patienceMs: PATIENCE_MS }, (server) => knockAt(server, request));
  };
}
