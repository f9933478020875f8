import { forbidden } from '../../platform/matrix-error.ts';
import { type AccountRow, findAccountByNid, updatePasswordHash } from '../../storage/accounts.ts';
import { deleteBrowserSessionsOf } from '../../storage/browser-sessions.ts';
import type { Pool } from '../../storage/database.ts';
import { findThreepidOwner } from '../../storage/threepids.ts';
import type { Devices } from './devices.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { checkNewPassword } from './passwords.ts';
import type { Requester } from './requester.ts';
import type { RequireProof, UiaPass } from './uia.ts';
import { EMAIL_STAGE, PASSWORD_STAGE } from './uia-stages.ts';
import { type EmailValidations, finishEmailValidation } from './validate-email.ts';

/**
 * Sets a new password, for who is logged in or for who reads the account's mail.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3accountpassword
 */
export type ChangePassword = (change: {
  requester: Requester | undefined;
  newPassword: string;
  /** Whether all other devices are logged out. */
  logOutDevices: boolean;
  auth: unknown;
}) => Promise<void>;

type Deps = {
  pool: Pool;
  requireProof: RequireProof;
  emailValidations: EmailValidations;
  passwordHasher: PasswordHasher;
  devices: Devices;
};

export function createChangePassword({ pool, requireProof, emailValidations, passwordHasher, devices }: Deps): ChangePassword {
  /** Whose password it is: the requester's, or that of the account the proven address belongs to. */
  async function findOwner(requester: Requester | undefined, { proof }: UiaPass): Promise<AccountRow> {
    const proven = proof.emailSid === undefined ? undefined : await emailValidations.find(pool, proof.emailSid);
    const ownerNid = proven === undefined ? requester?.userNid : await findThreepidOwner(pool, 'email', proven.address);
    const owner = ownerNid === undefined ? undefined : await findAccountByNid(pool, ownerNid);
    const isAllowed = owner !== undefined && owner.status !== 'deactivated' && !owner.isGuest;
    if (!isAllowed || (requester !== undefined && requester.userNid !== owner.userNid)) {
      throw forbidden('This proof does not belong to the account');
    }
    return owner;
  }

  return async function changePassword({ requester, newPassword, logOutDevices, auth }) {
    checkNewPassword(newPassword);
    const pass = await requireProof({
      operation: 'changePassword',
      requester,
      body: { newPassword, logOutDevices },
      auth,
      flows: requester === undefined ? [[EMAIL_STAGE]] : [[PASSWORD_STAGE], [EMAIL_STAGE]],
    });
    const owner = await findOwner(requester, pass);
    const passwordHash = await passwordHasher.hash(newPassword);
    await pool.begin(async (sql) => {
      await pass.finish(sql);
      await updatePasswordHash(sql, owner.userNid, passwordHash);
      await deleteBrowserSessionsOf(sql, owner.userNid);
      if (pass.proof.emailSid !== undefined) await finishEmailValidation(sql, pass.proof.emailSid);
    });
    if (logOutDevices) await devices.logOutAll(owner, requester?.deviceId);
  };
}
