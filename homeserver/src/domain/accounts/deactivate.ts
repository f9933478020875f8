import type { Clock } from '../../platform/clock.ts';
import { missingToken } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { listThreepidBindings } from '../../storage/threepid-bindings.ts';
import { listThreepids } from '../../storage/threepids.ts';
import type { Departures } from './departures.ts';
import { endAccount } from './end-account.ts';
import type { UnbindResult } from './identity-bindings.ts';
import type { KnownTokens } from './known-tokens.ts';
import type { Requester } from './requester.ts';
import type { RequireProof } from './uia.ts';
import { PASSWORD_STAGE } from './uia-stages.ts';

/** Each tells whether identity servers forgot the person. https://spec.matrix.org/latest/client-server-api/#account-deactivation */
export type Deactivate = {
  withProof(request: { requester: Requester | undefined; erase: boolean; auth: unknown }): Promise<UnbindResult>;
  /** The same, for an admin. */
  byAdmin(account: { userNid: number; userId: string; erase: boolean }): Promise<UnbindResult>;
};

type Deps = {
  pool: Pool;
  requireProof: RequireProof;
  knownTokens: KnownTokens;
  departures: Departures;
  clock: Clock;
};

export function createDeactivate({ pool, requireProof, knownTokens, departures, clock }: Deps): Deactivate {
  async function byAdmin({ userNid, userId, erase }: { userNid: number; userId: string; erase: boolean }): Promise<UnbindResult> {
    const begunAt = clock.now();
    const isPublished = await pool.begin(async (sql) => {
      const addresses = await listThreepids(sql, userNid);
      const bindings = await listThreepidBindings(sql, userNid);
      await endAccount(sql, { userNid, erase, now: begunAt });
      return addresses.length > 0 || bindings.length > 0;
    });
    knownTokens.forgetUser(userNid);
    const unbound = await departures.begin({ userNid, userId, erase, begunAt });
    return isPublished ? unbound : 'success';
  }

  return {
    byAdmin,
    async withProof({ requester, erase, auth }) {
      if (requester === undefined) throw missingToken();
      if (requester.appservice === undefined) {
        const pass = await requireProof({ operation: 'deactivateAccount', requester, body: { erase }, auth, flows: [[PASSWORD_STAGE]] });
        await pass.finish(pool);
      }
      return await byAdmin({ userNid: requester.userNid, userId: requester.userId, erase });
    },
  };
}
