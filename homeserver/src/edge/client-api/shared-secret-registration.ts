import { getRegistrationNonce, registerWithSharedSecret } from 'federation-spec/api/client/shared-secret-registration.ts';
import type { SharedSecretRegistration } from '../../domain/accounts/shared-secret-registration.ts';
import { type Route, route } from '../http/route.ts';
import { registeredAnswer } from './register.ts';

/** Registration for administration tools; served only when the server has a registration secret. */
export function sharedSecretRegistrationRoutes(registration: SharedSecretRegistration, { serverName }: { serverName: string }): Route[] {
  return [
    route(getRegistrationNonce, async () => ({ nonce: registration.createNonce() })),
    route(registerWithSharedSecret, async ({ body }) => {
      const registered = await registration.register({
        nonce: body.nonce,
        username: body.username,
        password: body.password,
        displayname: body.displayname,
        admin: body.admin,
        userType: body.user_type,
        mac: body.mac,
        inhibitLogin: body.inhibit_login,
      });
      return registeredAnswer(registered, serverName);
    }),
  ];
}
