import { deleteAllAccountData } from '../../storage/account-data.ts';
import { deactivateAccount } from '../../storage/accounts.ts';
import { deleteBrowserSessionsOf } from '../../storage/browser-sessions.ts';
import { deleteCrossSigningKeys } from '../../storage/cross-signing-keys.ts';
import type { Sql } from '../../storage/database.ts';
import { insertDeparture } from '../../storage/departures.ts';
import { deleteKeyBackups } from '../../storage/key-backups.ts';
import { deleteProfile } from '../../storage/profiles.ts';
import { deleteThreepids } from '../../storage/threepids.ts';
import { deleteUpstreamIdentities } from '../../storage/upstream-identities.ts';

/** Ends an account for ever, and notes what is left to do. https://spec.matrix.org/latest/client-server-api/#account-deactivation */
export async function endAccount(sql: Sql, { userNid, erase, now }: { userNid: number; erase: boolean; now: number }): Promise<void> {
  await deactivateAccount(sql, userNid, erase);
  await insertDeparture(sql, { userNid, erase, begunAt: now });
  await deleteThreepids(sql, userNid);
  await deleteBrowserSessionsOf(sql, userNid);
  await deleteUpstreamIdentities(sql, userNid);
  await deleteProfile(sql, userNid);
  await deleteAllAccountData(sql, userNid);
  await deleteKeyBackups(sql, userNid);
  await deleteCrossSigningKeys(sql, userNid);
}
