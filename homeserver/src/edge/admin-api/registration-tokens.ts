import * as api from 'federation-spec/api/admin/synapse-registration-tokens.ts';
import { readBoolean } from 'federation-spec/api/schemas/query.ts';
import type { RegistrationTokens } from '../../domain/accounts/registration-tokens.ts';
import { checkAdmin } from '../http/check-admin.ts';
import { type Route, route } from '../http/route.ts';

/** The tokens that let newcomers in. https://element-hq.github.io/synapse/latest/usage/administration/admin_api/registration_tokens.html */
export function registrationTokenRoutes(tokens: RegistrationTokens): Route[] {
  return [
    route(api.listRegistrationTokens, async ({ requester, query }) => {
      checkAdmin(requester);
      return { registration_tokens: (await tokens.list(readBoolean(query.valid))).map(toWire) };
    }),
    route(api.createRegistrationToken, async ({ requester, body }) => {
      checkAdmin(requester);
      const { token, length, uses_allowed: usesAllowed, expiry_time: expiresAt } = body;
      return toWire(await tokens.create({ token, length, usesAllowed, expiresAt }));
    }),
    route(api.getRegistrationToken, async ({ requester, params }) => {
      checkAdmin(requester);
      return toWire(await tokens.load(params.token));
    }),
    route(api.updateRegistrationToken, async ({ requester, params, body }) => {
      checkAdmin(requester);
      return toWire(await tokens.update(params.token, { usesAllowed: body.uses_allowed, expiresAt: body.expiry_time }));
    }),
    route(api.deleteRegistrationToken, async ({ requester, params }) => {
      checkAdmin(requester);
      await tokens.delete(params.token);
      return {};
    }),
  ];
}

function toWire({ token, usesAllowed, uses, pending, expiresAt }: Awaited<ReturnType<RegistrationTokens['load']>>) {
  return { token, uses_allowed: usesAllowed, pending, completed: uses, expiry_time: expiresAt };
}
