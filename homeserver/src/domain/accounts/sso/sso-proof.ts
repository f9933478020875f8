import { findAccountByNid } from '../../../storage/accounts.ts';
import type { Pool } from '../../../storage/database.ts';
import { hasUpstreamIdentity } from '../../../storage/upstream-identities.ts';
import type { RequireProof } from '../uia.ts';
import { PASSWORD_STAGE } from '../uia-stages.ts';

export const SSO_STAGE = 'm.login.sso';

/**
 * Lets people prove themselves by the sign-in provider wherever a password would do, if they have signed in by it before. The stage is
 * passed on a page. https://spec.matrix.org/latest/client-server-api/#single-sign-on
 */
export function createSsoProof({ pool, requireProof }: { pool: Pool; requireProof: RequireProof }): RequireProof {
  return async function requireProofOrSso(request) {
    const { requester, flows } = request;
    const asksForPassword = flows.some((flow) => flow.length === 1 && flow[0] === PASSWORD_STAGE);
    if (requester === undefined || !asksForPassword || !(await hasUpstreamIdentity(pool, requester.userNid)))
      return await requireProof(request);
    const account = await findAccountByNid(pool, requester.userNid);
    const others = account?.passwordHash === null ? flows.filter((flow) => !flow.includes(PASSWORD_STAGE)) : flows;
    return await requireProof({ ...request, flows: [...others, [SSO_STAGE]] });
  };
}
