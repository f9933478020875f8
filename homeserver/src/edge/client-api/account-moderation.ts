import { getAdminLockUser, getAdminSuspendUser, setAdminLockUser, setAdminSuspendUser } from 'federation-spec/api/client/admin.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import { forbidden, invalidParam } from '../../platform/matrix-error.ts';
import type { Requester } from '../http/requester.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#server-administration */
export function accountModerationRoutes({ moderation }: Accounts, { serverName }: { serverName: string }): Route[] {
  function check(requester: Requester, userId: string): void {
    if (!requester.isAdmin) throw forbidden('Only an admin of this server may do this');
    if (!userId.endsWith(`:${serverName}`)) throw invalidParam(`${userId} is not an account of this server`);
  }

  async function checkChange(requester: Requester, userId: string): Promise<void> {
    check(requester, userId);
    if (requester.userId === userId) throw forbidden('You cannot do this to your own account');
    if (await moderation.isAdmin(userId)) throw forbidden('You cannot do this to another admin');
  }

  return [
    route(getAdminLockUser, async ({ requester, params }) => {
      check(requester, params.userId);
      return { locked: await moderation.isIn(params.userId, 'locked') };
    }),
    route(setAdminLockUser, async ({ requester, params, body }) => {
      await checkChange(requester, params.userId);
      await moderation.set(params.userId, 'locked', body.locked);
      return { locked: body.locked };
    }),
    route(getAdminSuspendUser, async ({ requester, params }) => {
      check(requester, params.userId);
      return { suspended: await moderation.isIn(params.userId, 'suspended') };
    }),
    route(setAdminSuspendUser, async ({ requester, params, body }) => {
      await checkChange(requester, params.userId);
      await moderation.set(params.userId, 'suspended', body.suspended);
      return { suspended: body.suspended };
    }),
  ];
}
