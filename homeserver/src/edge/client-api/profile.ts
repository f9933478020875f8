import { deleteProfileField, getProfileField, getUserProfile, setProfileField } from 'federation-spec/api/client/profile.ts';
import type { Profiles } from '../../domain/accounts/profiles.ts';
import { type Route, raw, route } from '../http/route.ts';
import { checkOwn } from './check-own.ts';

/** https://spec.matrix.org/latest/client-server-api/#profiles */
export function profileRoutes(profiles: Profiles): Route[] {
  return [
    route(getUserProfile, async ({ params }) => raw({ json: await profiles.load(params.userId) })),
    route(getProfileField, async ({ params }) => {
      const { userId, keyName } = params;
      return raw({ json: { [keyName]: await profiles.loadField(userId, keyName) } });
    }),
    route(setProfileField, async ({ requester, params, body }) => {
      const { userId, keyName } = params;
      checkOwn(requester, userId);
      await profiles.setField(requester, keyName, Object.hasOwn(body, keyName) ? body[keyName] : undefined);
      return {};
    }),
    route(deleteProfileField, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      await profiles.deleteField(requester, params.keyName);
      return {};
    }),
  ];
}
