import { makeLeave } from 'federation-spec/api/server/leaving.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Random } from '../../../platform/random.ts';
import type { RemoteMembershipRequest } from '../../rooms/remote-rooms.ts';
import type { RemoteStanding } from '../../rooms/remote-standing.ts';
import type { IsUnreachable } from '../circuit-breaker.ts';
import type { FederationClient } from '../federation-client.ts';
import { askCandidates } from './ask-candidates.ts';
import { listCandidateServers } from './candidate-servers.ts';
import { completeTemplate } from './complete-template.ts';
import { sendLeave } from './send-membership.ts';

const EVENT_ID_BITS = 108;
/** Whoever wants to be rid of an invite waits no longer than this for an answer … */
const ANSWER_TIMEOUT_MS = 10_000;
/** … and after so long no further server is asked. */
const PATIENCE_MS = 15_000;

type Deps = {
  client: FederationClient;
  isUnreachable: IsUnreachable;
  signer: Signer;
  clock: Clock;
  random: Random;
  logger: Logger;
  standing: RemoteStanding;
};

/**
 * Rejects an invite or withdraws a knock by way of a server that is in the room. When none can be reached the user is rid of it all the
 * same. https://spec.matrix.org/latest/server-server-api/#leaving-rooms-rejecting-invites
 */
export function createLeaveRemote({
  client,
  isUnreachable,
  signer,
  clock,
  random,
  logger,
  standing,
}: Deps): (request: RemoteMembershipRequest) => Promise<void> {
  async function leaveBy(resident: string, { roomId, userId, content }: RemoteMembershipRequest): Promise<void> {
    const options = { urgency: 'person', timeoutMs: ANSWER_TIMEOUT_MS } as const;
    const template = await client.call(resident, makeLeave, { params: { roomId, userId } }, options);
    const draft = {
      resident,
      roomId,
      userId,
      membership: 'leave' as const,
      content,
      now: clock.now(),
      eventIdBits: random.text(EVENT_ID_BITS),
    };
    const { pdu } = await completeTemplate(template, draft, signer);
    await sendLeave(client, resident, { roomId, leave: pdu }, options);
  }

  return async (request) => {
    const known = await standing.find(request.roomId, request.userNid);
    const candidates = listCandidateServers({ ...request, strippedState: known?.strippedState ?? [] }, signer.serverName);
    await askCandidates(candidates, { logger, isUnreachable, clock, patienceMs: PATIENCE_MS }, (server) => leaveBy(server, request)).catch(
      (error: unknown) => {
        logger.info({ roomId: request.roomId, err: error }, 'an invite is rejected here only: no server of the room took it');
      },
    );
    const { roomId, userNid } = request;
    await standing.set({ roomId, version: known?.version ?? '1', userNid, membership: 'leave', strippedState: [] });
  };
}
