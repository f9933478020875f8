import { makeKnock, sendKnock } from 'federation-spec/api/server/knocking.ts';
import { ROOM_VERSIONS } from 'federation-spec/room-versions/room-versions.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Random } from '../../../platform/random.ts';
import type { RemoteMembershipRequest } from '../../rooms/remote-rooms.ts';
import { listStripped, type RemoteStanding, stripPdu } from '../../rooms/remote-standing.ts';
import { INSISTING, type IsUnreachable } from '../circuit-breaker.ts';
import type { FederationClient } from '../federation-client.ts';
import { askCandidates } from './ask-candidates.ts';
import { listCandidateServers } from './candidate-servers.ts';
import { completeTemplate } from './complete-template.ts';

const EVENT_ID_BITS = 108;
/** After so long no further server is asked. */
const PATIENCE_MS = 45_000;

type Deps = {
  client: FederationClient;
  isUnreachable: IsUnreachable;
  signer: Signer;
  clock: Clock;
  random: Random;
  logger: Logger;
  standing: RemoteStanding;
};

/** Asks to be let into a room that this server is not in. https://spec.matrix.org/latest/server-server-api/#knocking-rooms */
export function createKnockRemote({
  client,
  isUnreachable,
  signer,
  clock,
  random,
  logger,
  standing,
}: Deps): (request: RemoteMembershipRequest) => Promise<void> {
  async function knockAt(resident: string, { roomId, userId, userNid, content }: RemoteMembershipRequest): Promise<void> {
    const template = await client.call(resident, makeKnock, { params: { roomId, userId }, query: { ver: ROOM_VERSIONS } }, INSISTING);
    const draft = {
      resident,
      roomId,
      userId,
      membership: 'knock' as const,
      content,
      now: clock.now(),
      eventIdBits: random.text(EVENT_ID_BITS),
    };
    const { pdu, rules } = await completeTemplate(template, draft, signer);
    const answer = await client.call(resident, sendKnock, { params: { roomId, eventId: pdu.eventId }, body: { ...pdu.event } }, INSISTING);
    const strippedState = [...listStripped(answer.knock_room_state), stripPdu(pdu.event)];
    await standing.set({ roomId, version: rules.version, userNid, membership: 'knock', strippedState });
  }

  return async (request) => {
    const known = await standing.find(request.roomId, request.userNid);
    const candidates = listCandidateServers({ ...request, strippedState: known?.strippedState ?? [] }, signer.serverName);
    await askCandidates(candidates, { logger, isUnreachable, clock, patienceMs: PATIENCE_MS }, (server) => knockAt(server, request));
  };
}
