import type { Logger } from '../../platform/logger.ts';
import { missingToken } from '../../platform/matrix-error.ts';
import { deleteAllAccountData } from '../../storage/account-data.ts';
import { deactivateAccount } from '../../storage/accounts.ts';
import { deleteBrowserSessionsOf } from '../../storage/browser-sessions.ts';
import { deleteCrossSigningKeys } from '../../storage/cross-signing-keys.ts';
import type { Pool } from '../../storage/database.ts';
import { deleteKeyBackups } from '../../storage/key-backups.ts';
import { deleteProfile } from '../../storage/profiles.ts';
import { deleteThreepids } from '../../storage/threepids.ts';
import { deleteUpstreamIdentities } from '../../storage/upstream-identities.ts';
import type { Devices } from './devices.ts';
import type { IdentityBindings, UnbindResult } from './identity-bindings.ts';
import type { KnownTokens } from './known-tokens.ts';
import type { Requester } from './requester.ts';
import type { RequireProof } from './uia.ts';
import { PASSWORD_STAGE } from './uia-stages.ts';

/** Leaves all rooms, refuses all invites, and forgets what is kept of the person elsewhere. */
export type LeaveAllRooms = (user: { userNid: number; userId: string; erase: boolean }) => Promise<void>;

/** Each tells whether identity servers forgot the person. https://spec.matrix.org/latest/client-server-api/#account-deactivation */
export type Deactivate = {
  withProof(request: { requester: Requester | undefined; erase: boolean; auth: unknown }): Promise<UnbindResult>;
  /** The same, for an admin. */
  byAdmin(account: { userNid: number; userId: string; erase: boolean }): Promise<UnbindResult>;
};

type Deps = {
  pool: Pool;
  requireProof: RequireProof;
  devices: Devices;
  knownTokens: KnownTokens;
  leaveAllRooms: LeaveAllRooms;
  identityBindings: IdentityBindings;
  logger: Logger;
};

export function createDeactivate({ pool, requireProof, devices, knownTokens, leaveAllRooms, identityBindings, logger }: Deps): Deactivate {
  async function byAdmin({ userNid, userId, erase }: { userNid: number; userId: string; erase: boolean }): Promise<UnbindResult> {
    await pool.begin(async (sql) => {
      await deactivateAccount(sql, userNid, erase);
      await deleteThreepids(sql, userNid);
      await deleteBrowserSessionsOf(sql, userNid);
      await deleteUpstreamIdentities(sql, userNid);
      await deleteProfile(sql, userNid);
      await deleteAllAccountData(sql, userNid);
      await deleteKeyBackups(sql, userNid);
      await deleteCrossSigningKeys(sql, userNid);
    });
    knownTokens.forgetUser(userNid);
    await devices.logOutAll({ userNid, userId });
    const unbound = await identityBindings.unbindAll({ userNid, userId }).catch((error: unknown): UnbindResult => {
      logger.warn({ err: error, userId }, 'an identity server may still know this person');
      return 'no-support';
    });
    await leaveAllRooms({ userNid, userId, erase }).catch((error: unknown) => logger.error({ error, userId }, 'could not leave all rooms'));
    return unbound;
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
