import * as api from 'federation-spec/api/admin/synapse-users.ts';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import type { AccountAdmin, AccountDetails, AccountOrder, AccountOverview } from '../../domain/accounts/account-admin.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { ListJoinedRooms } from '../../domain/rooms/list-joined-rooms.ts';
import { notFound } from '../../platform/matrix-error.ts';
import { checkAdmin } from '../http/check-admin.ts';
import { type Route, raw, route } from '../http/route.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const CREATED = 201;

type Deps = {
  accountAdmin: AccountAdmin;
  accounts: Pick<Accounts, 'devices' | 'deactivate' | 'register'>;
  listJoinedRooms: ListJoinedRooms;
};

/** Looking after accounts. https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html */
export function userAdminRoutes(deps: Deps): Route[] {
  return [...accountRoutes(deps), ...adminFlagRoutes(deps), ...belongingsRoutes(deps)];
}

function accountRoutes({ accountAdmin, accounts }: Deps): Route[] {
  return [
    route(api.listUsers, async ({ requester, query }) => {
      checkAdmin(requester);
      const from = readInteger(query.from) ?? 0;
      const limit = Math.min(readInteger(query.limit) ?? DEFAULT_PAGE, MAX_PAGE);
      const filter = {
        userId: query.user_id,
        name: query.name,
        guests: readBoolean(query.guests),
        deactivated: readBoolean(query.deactivated),
        locked: readBoolean(query.locked),
        admins: readBoolean(query.admins),
      };
      const page = { from, limit, orderBy: readOrder(query.order_by), isDescending: query.dir === 'b' };
      const { accounts: found, total } = await accountAdmin.list(filter, page);
      return { users: found.map(toSummary), total, ...(from + limit < total ? { next_token: String(from + found.length) } : {}) };
    }),
    route(api.getUser, async ({ requester, params }) => {
      checkAdmin(requester);
      return toDetails(await accountAdmin.load(params.userId));
    }),
    route(api.putUser, async ({ requester, params, body }) => {
      checkAdmin(requester);
      const { isNew } = await accountAdmin.put(requester, params.userId, {
        password: body.password,
        logOutDevices: body.logout_devices,
        displayName: body.displayname,
        avatarUrl: body.avatar_url,
        emails: body.threepids?.map(({ address }) => address),
        isAdmin: body.admin,
        isLocked: body.locked,
        isDeactivated: body.deactivated,
      });
      const account = toDetails(await accountAdmin.load(params.userId));
      return isNew ? raw({ status: CREATED, json: account }) : account;
    }),
    route(api.deactivateUser, async ({ requester, params, body }) => {
      checkAdmin(requester);
      const account = await accountAdmin.find(params.userId);
      return { id_server_unbind_result: await accounts.deactivate.byAdmin({ ...account, erase: body.erase ?? false }) };
    }),
    route(api.resetUserPassword, async ({ requester, params, body }) => {
      checkAdmin(requester);
      await accountAdmin.resetPassword(params.userId, body.new_password, body.logout_devices ?? true);
      return {};
    }),
    route(api.isUsernameFree, async ({ requester, query }) => {
      checkAdmin(requester);
      await accounts.register.checkFree(query.username);
      return { available: true };
    }),
  ];
}

function adminFlagRoutes({ accountAdmin }: Deps): Route[] {
  return [
    route(api.getUserAdmin, async ({ requester, params }) => {
      checkAdmin(requester);
      return { admin: (await accountAdmin.find(params.userId)).isAdmin };
    }),
    route(api.setUserAdmin, async ({ requester, params, body }) => {
      checkAdmin(requester);
      await accountAdmin.setAdmin(requester, params.userId, body.admin);
      return {};
    }),
  ];
}

/** Rooms and devices. */
function belongingsRoutes({ accountAdmin, accounts: { devices }, listJoinedRooms }: Deps): Route[] {
  return [
    route(api.listUserRooms, async ({ requester, params }) => {
      checkAdmin(requester);
      const rooms = await listJoinedRooms((await accountAdmin.find(params.userId)).userNid);
      return { joined_rooms: rooms, total: rooms.length };
    }),
    route(api.listUserDevices, async ({ requester, params: { userId } }) => {
      checkAdmin(requester);
      const list = await devices.list((await accountAdmin.find(userId)).userNid);
      const told = list.map(({ deviceId, displayName, lastSeenAt, lastSeenIp, lastSeenUserAgent }) => ({
        device_id: deviceId,
        display_name: displayName,
        last_seen_ip: lastSeenIp,
        last_seen_user_agent: lastSeenUserAgent,
        last_seen_ts: lastSeenAt,
        user_id: userId,
      }));
      return { devices: told, total: told.length };
    }),
    route(api.deleteUserDevices, async ({ requester, params, body }) => {
      checkAdmin(requester);
      await devices.remove(await accountAdmin.find(params.userId), body.devices);
      return {};
    }),
    route(api.deleteUserDevice, async ({ requester, params }) => {
      checkAdmin(requester);
      const account = await accountAdmin.find(params.userId);
      if (!(await devices.list(account.userNid)).some(({ deviceId }) => deviceId === params.deviceId))
        throw notFound(`${params.userId} has no device ${params.deviceId}`);
      await devices.remove(account, [params.deviceId]);
      return {};
    }),
  ];
}

function readOrder(orderBy: string | undefined): AccountOrder {
  if (orderBy === undefined || orderBy === 'user_type' || orderBy === 'shadow_banned') return 'name';
  return orderBy as AccountOrder; // the endpoint's schema vouches for it
}

function toSummary(account: AccountOverview) {
  const { userId, displayName, avatarUrl, isGuest, isAdmin, status, erased, createdAt, lastSeenAt } = account;
  return {
    name: userId,
    displayname: readText(displayName),
    avatar_url: readText(avatarUrl),
    is_guest: isGuest,
    admin: isAdmin,
    user_type: null,
    deactivated: status === 'deactivated',
    erased,
    shadow_banned: false,
    locked: status === 'locked',
    suspended: status === 'suspended',
    creation_ts: createdAt,
    last_seen_ts: lastSeenAt,
  };
}

function toDetails(account: AccountDetails) {
  const threepids = account.threepids.map(({ medium, address, addedAt, validatedAt }) => ({
    medium,
    address,
    added_at: addedAt,
    validated_at: validatedAt,
  }));
  const identities = account.identities.map(({ issuer, subject }) => ({ auth_provider: issuer, external_id: subject }));
  return { ...toSummary(account), threepids, external_ids: identities };
}

/** A profile field as it is stored: JSON text. */
function readText(json: string | null): string | null {
  const value: unknown = json === null ? null : JSON.parse(json);
  return typeof value === 'string' ? value : null;
}
