import { makeLeave } from 'federation-spec/api/server/leaving.ts';
import type { RemoteMembershipRequest } from '../../rooms/remote-rooms.ts';
import { askCandidates } from './ask-candidates.ts';
import { listCandidateServers } from './candidate-servers.ts';
import { completeTemplate } from './complete-template.ts';
import type { RemoteMembershipDeps } from './remote-membership.ts';
import { sendLeave } from './send-membership.ts';

/** Whoever wants to be rid of an invite waits no longer than this for an answer … */
const ANSWER_TIMEOUT_MS = 10_000;
/** … and after so long no further server is asked. */
const PATIENCE_MS = 15_000;

/**
 * Rejects an invite or withdraws a knock by way of a server that is in the room. When none can be reached the user is rid of it all the
 * same. https://spec.matrix.org/latest/server-server-api/#leaving-rooms-rejecting-invites
 */
export function createLeaveRemote(deps: RemoteMembershipDeps): (request: RemoteMembershipRequest) => Promise<void> {
  const { client, isUnreachable, signer, clock, logger, standing } = deps;

  async function leaveBy(resident: string, { roomId, userId, content }: RemoteMembershipRequest): Promise<void> {
    const options = { urgency: 'person', timeoutMs: ANSWER_TIMEOUT_MS } as const;
    const template = await client.call(resident, makeLeave, { params: { roomId, userId } }, options);
    const { pdu } = await completeTemplate(template, { resident, roomId, userId, membership: 'leave', content }, deps);
    await sendLeave(client, resident, { roomId, leave: pdu }, options);
  }

  return async (request) => {
    const known = await standing.find(request.roomId, request.userNid);
    const candidates = listCandidateServers(request, known, signer.serverName);
    await askCandidates(candidates, { logger, isUnreachable, clock, patienceMs: PATIENCE_MS }, (server) => leaveBy(server, request)).catch(
      (error: unknown) => {
        logger.info({ roomId: request.roomId, err: error }, 'an invite is rejected here only: no server of the room took it');
      },
    );
    const { roomId, userNid } = request;
    await standing.set({ roomId, version: known?.version ?? '1', userNid, membership: 'leave', strippedState: [] });
  };
}
