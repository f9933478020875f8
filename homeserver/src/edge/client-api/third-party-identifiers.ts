import {
  add3PID,
  bind3PID,
  delete3pidFromAccount,
  getAccount3PIDs,
  post3PIDs,
  requestTokenTo3PIDEmail,
  requestTokenTo3PIDMSISDN,
  unbind3pidFromAccount,
} from 'federation-spec/api/client/administrative-contact.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import { matrixError } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';
import { requestEmailToken } from './request-email-token.ts';

/** https://spec.matrix.org/latest/client-server-api/#adding-account-administrative-contact-information */
export function thirdPartyIdentifierRoutes(accounts: Accounts, { publicUrl }: { publicUrl: string }): Route[] {
  const { identityBindings } = accounts;
  return [
    route(getAccount3PIDs, async ({ requester }) => {
      const threepids = await accounts.threepids.list(requester.userNid);
      return {
        threepids: threepids.map(({ medium, address, validatedAt, addedAt }) => ({
          medium: medium === 'msisdn' ? ('msisdn' as const) : ('email' as const),
          address,
          validated_at: validatedAt,
          added_at: addedAt,
        })),
      };
    }),
    route(add3PID, async ({ requester, body }) => {
      await accounts.threepids.add(requester, { sid: body.sid, clientSecret: body.client_secret, auth: body.auth });
      return {};
    }),
    route(delete3pidFromAccount, async ({ requester, body }) => {
      const result = await identityBindings.unbind(requester, { ...body, idServer: body.id_server });
      await accounts.threepids.remove(requester.userNid, body.medium, body.address);
      return { id_server_unbind_result: result };
    }),
    requestEmailToken(requestTokenTo3PIDEmail, accounts.emailValidations, { purpose: 'add-address', publicUrl }),
    route(requestTokenTo3PIDMSISDN, async () => {
      throw matrixError(400, 'M_THREEPID_MEDIUM_NOT_SUPPORTED', 'This server sends no text messages; use an e-mail address');
    }),
    route(unbind3pidFromAccount, async ({ requester, body }) => ({
      id_server_unbind_result: await identityBindings.unbind(requester, { ...body, idServer: body.id_server }),
    })),
    route(bind3PID, async ({ requester, body }) => {
      const { id_server: idServer, id_access_token: idAccessToken, sid, client_secret: clientSecret } = body;
      await identityBindings.bind(requester, { idServer, idAccessToken, sid, clientSecret });
      return {};
    }),
    // The older form of the same. It asks for the password too: whoever adds an address can set a new password by it.
    route(post3PIDs, async ({ requester, body }) => {
      const { sid, client_secret: clientSecret } = body.three_pid_creds;
      await accounts.threepids.add(requester, { sid, clientSecret, auth: body.auth });
      return {};
    }),
  ];
}
