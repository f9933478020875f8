import { askPolicyServerToSign } from 'federation-spec/api/server/policy.ts';
import { badGateway, matrixError } from '../../platform/matrix-error.ts';
import type { AskPolicyServer } from '../rooms/policy/policy-server.ts';
import type { FederationClient } from './federation-client.ts';
import { FederationError } from './federation-error.ts';

/** The room waits for the answer. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024;
const MAX_REASON_LENGTH = 500;
const [OLD_PATH = askPolicyServerToSign.path] = askPolicyServerToSign.alsoAt;

/** https://spec.matrix.org/latest/server-server-api/#post_matrixpolicyv1sign; older policy servers know it by another path. */
export function createAskPolicyServer({ client }: { client: FederationClient }): AskPolicyServer {
  return async (serverName, event) => {
    const input = { body: { ...event } };
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, urgency: 'person' } as const;
    try {
      const answer = await client.call(serverName, askPolicyServerToSign, input, limits).catch(async (error: unknown) => {
        if (!(error instanceof FederationError) || error.errcode !== 'M_UNRECOGNIZED') throw error;
        return await client.call(serverName, { ...askPolicyServerToSign, path: OLD_PATH }, input, limits);
      });
      return answer[serverName] ?? {};
    } catch (error) {
      if (!(error instanceof FederationError)) throw error;
      const { status, errcode, body } = error;
      if (status === undefined || status >= 500 || errcode === undefined)
        throw badGateway(`The policy server ${serverName} of this room could not be asked.`);
      const reason = typeof body['error'] === 'string' ? body['error'].slice(0, MAX_REASON_LENGTH) : 'refused by the policy server';
      throw matrixError(status, errcode, reason);
    }
  };
}
