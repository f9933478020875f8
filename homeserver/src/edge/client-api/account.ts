import {
  changePassword,
  deactivateAccount,
  getTokenOwner,
  requestTokenToResetPasswordEmail,
  requestTokenToResetPasswordMSISDN,
} from 'federation-spec/api/client/account.ts';
import { NO_DEVICE } from '../../domain/accounts/appservice-accounts.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import { matrixError } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';
import { requestEmailToken } from './request-email-token.ts';

/** Password, deactivation, and who one is. */
export function accountRoutes(accounts: Accounts, { publicUrl }: { publicUrl: string }): Route[] {
  return [
    route(getTokenOwner, async ({ requester }) => ({
      user_id: requester.userId,
      ...(requester.deviceId === NO_DEVICE ? {} : { device_id: requester.deviceId }),
      is_guest: requester.isGuest,
    })),
    route(changePassword, async ({ maybeRequester, body }) => {
      await accounts.changePassword({
        requester: maybeRequester,
        newPassword: body.new_password,
        logOutDevices: body.logout_devices ?? true,
        auth: body.auth,
      });
      return {};
    }),
    route(deactivateAccount, async ({ maybeRequester, body }) => {
      const result = await accounts.deactivate.withProof({ requester: maybeRequester, erase: body.erase ?? false, auth: body.auth });
      return { id_server_unbind_result: result };
    }),
    requestEmailToken(requestTokenToResetPasswordEmail, accounts.emailValidations, { purpose: 'reset-password', publicUrl }),
    route(requestTokenToResetPasswordMSISDN, async () => {
      throw matrixError(403, 'M_THREEPID_DENIED', 'This server sends no text messages; use an e-mail address');
    }),
  ];
}
