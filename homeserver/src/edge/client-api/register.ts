import {
  checkUsernameAvailability,
  register,
  registrationTokenValidity,
  requestTokenToRegisterEmail,
  requestTokenToRegisterMSISDN,
} from 'federation-spec/api/client/registration.ts';
import { APPSERVICE_LOGIN } from '../../domain/accounts/appservice-accounts.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { Registered } from '../../domain/accounts/register.ts';
import { matrixError } from '../../platform/matrix-error.ts';
import { readAccessToken } from '../http/read-access-token.ts';
import { type Route, route } from '../http/route.ts';
import { isLoopback } from './is-loopback.ts';
import { requestEmailToken } from './request-email-token.ts';
import { sessionAnswer } from './session-answer.ts';

/** https://spec.matrix.org/latest/client-server-api/#legacy-account-registration */
export function registerRoutes(accounts: Accounts, { serverName, publicUrl }: { serverName: string; publicUrl: string }): Route[] {
  return [
    route(register, async ({ query, body, request }) => {
      const initialDeviceDisplayName = body.initial_device_display_name;
      if (body.type === APPSERVICE_LOGIN) {
        const owner = accounts.appservices.identify(readAccessToken(request));
        const registered = await accounts.appservices.register(owner, {
          username: body.user ?? body.username,
          inhibitLogin: body.inhibit_login ?? false,
          deviceId: body.device_id,
          initialDeviceDisplayName,
          wantsRefreshToken: body.refresh_token,
        });
        return registeredAnswer(registered, serverName);
      }
      if (query.kind === 'guest') {
        return sessionAnswer(await accounts.register.registerGuest({ initialDeviceDisplayName }), serverName);
      }
      const registered = await accounts.register.register({
        username: body.username,
        password: body.password,
        deviceId: body.device_id,
        initialDeviceDisplayName,
        inhibitLogin: body.inhibit_login,
        guestAccessToken: body.guest_access_token,
        wantsRefreshToken: body.refresh_token,
        auth: body.auth,
        isLoopback: isLoopback(request.ip),
      });
      return registeredAnswer(registered, serverName);
    }),
    route(checkUsernameAvailability, async ({ query }) => {
      await accounts.register.checkAvailable(query.username);
      return { available: true };
    }),
    route(registrationTokenValidity, async ({ query }) => ({ valid: await accounts.isRegistrationTokenValid(query.token) })),
    requestEmailToken(requestTokenToRegisterEmail, accounts.emailValidations, {
      purpose: 'register',
      publicUrl,
      check: accounts.register.checkEmailOffered,
    }),
    route(requestTokenToRegisterMSISDN, async () => {
      throw matrixError(403, 'M_THREEPID_DENIED', 'This server sends no text messages; use an e-mail address');
    }),
  ];
}

/** The answer to a registration, with or without a session. */
export function registeredAnswer(registered: Registered, serverName: string) {
  const { userId, accessToken, deviceId, ...tokens } = registered;
  if (accessToken === undefined || deviceId === undefined) return { user_id: userId, home_server: serverName };
  return sessionAnswer({ userId, accessToken, deviceId, ...tokens }, serverName);
}
