import type { Clock } from '../../../platform/clock.ts';
import {
  deleteCrossSigningApproval,
  hasCrossSigningApproval,
  upsertCrossSigningApproval,
} from '../../../storage/cross-signing-approvals.ts';
import type { Pool } from '../../../storage/database.ts';
import { findOAuthSession } from '../../../storage/oauth-sessions.ts';
import type { RequireProof } from '../uia.ts';

/** Replacing cross-signing keys, allowed on our own page: https://spec.matrix.org/latest/client-server-api/#oauth-authentication */
export type CrossSigningReset = {
  approve(userNid: number): Promise<void>;
  /** Asks whoever was logged in by OAuth to go to that page, and everybody else for what the request says. */
  requireProof: RequireProof;
};

export const OAUTH_STAGE = 'm.oauth';
/** What the stage was called before it was in the specification. */
const UNSTABLE_OAUTH_STAGE = 'org.matrix.cross_signing_reset';
const APPROVAL_LIFETIME_MS = 600_000;

type Deps = { pool: Pool; clock: Clock; requireProof: RequireProof; resetUrl: string };

export function createCrossSigningReset({ pool, clock, requireProof, resetUrl }: Deps): CrossSigningReset {
  return {
    approve: (userNid) => upsertCrossSigningApproval(pool, userNid, clock.now() + APPROVAL_LIFETIME_MS),
    async requireProof(request) {
      const { requester } = request;
      const session = requester === undefined ? undefined : await findOAuthSession(pool, requester.userNid, requester.deviceId);
      if (requester === undefined || session === undefined) return await requireProof(request);
      if (await hasCrossSigningApproval(pool, requester.userNid, clock.now())) {
        return { sessionId: '', proof: {}, finish: (sql) => deleteCrossSigningApproval(sql, requester.userNid) };
      }
      const params = { [OAUTH_STAGE]: { url: resetUrl }, [UNSTABLE_OAUTH_STAGE]: { url: resetUrl } };
      return await requireProof({ ...request, flows: [[OAUTH_STAGE], [UNSTABLE_OAUTH_STAGE]], params });
    },
  };
}
