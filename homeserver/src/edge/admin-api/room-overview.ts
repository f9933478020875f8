import * as api from 'federation-spec/api/admin/synapse-rooms.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { Memberships } from '../../domain/rooms/membership.ts';
import type { RoomOrder, RoomOverview, RoomOverviews } from '../../domain/rooms/room-overview.ts';
import { invalidParam, notFound } from '../../platform/matrix-error.ts';
import { checkAdmin } from '../http/check-admin.ts';
import { type Route, route } from '../http/route.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 500;

type Deps = {
  overviews: RoomOverviews;
  accounts: Pick<Accounts, 'find'>;
  memberships: Pick<Memberships, 'join'>;
  /** Throws M_NOT_FOUND. */
  resolveAlias: (alias: string) => Promise<{ roomId: string; servers: readonly string[] }>;
};

/** Rooms as an admin sees them. https://element-hq.github.io/synapse/latest/admin_api/rooms.html */
export function roomOverviewRoutes({ overviews, accounts, memberships, resolveAlias }: Deps): Route[] {
  return [
    route(api.listRooms, async ({ requester, query }) => {
      checkAdmin(requester);
      const from = readInteger(query.from) ?? 0;
      const limit = Math.min(readInteger(query.limit) ?? DEFAULT_PAGE, MAX_PAGE);
      const wish = { from, limit, orderBy: readOrder(query.order_by), isDescending: query.dir === 'b', term: query.search_term };
      const { rooms, total } = await overviews.list(wish);
      return {
        rooms: rooms.map(toSummary),
        offset: from,
        total_rooms: total,
        ...(from + limit < total ? { next_batch: from + limit } : {}),
        ...(from > 0 ? { prev_batch: Math.max(0, from - limit) } : {}),
      };
    }),
    route(api.getRoom, async ({ requester, params }) => {
      checkAdmin(requester);
      const overview = await overviews.load(params.roomId);
      return { ...toSummary(overview), topic: textOf(overview, 'm.room.topic', 'topic'), avatar: textOf(overview, 'm.room.avatar', 'url') };
    }),
    route(api.listRoomMembers, async ({ requester, params }) => {
      checkAdmin(requester);
      const members = await overviews.members(params.roomId);
      return { members, total: members.length };
    }),
    route(api.listRoomState, async ({ requester, params }) => {
      checkAdmin(requester);
      return { state: await overviews.state(params.roomId) };
    }),
    route(api.joinUserToRoom, async ({ requester, params, body }) => {
      checkAdmin(requester);
      const account = await accounts.find(body.user_id);
      if (account === undefined) throw notFound(`There is no account ${body.user_id}`);
      const target = params.roomIdOrAlias;
      if (!target.startsWith('!') && !target.startsWith('#')) throw invalidParam(`${target} is neither a room id nor an alias`);
      const { roomId, servers } = target.startsWith('#') ? await resolveAlias(target) : { roomId: target, servers: [] };
      await memberships.join(account, { roomId, via: [...servers] });
      return { room_id: roomId };
    }),
  ];
}

function readOrder(orderBy: string | undefined): RoomOrder {
  if (orderBy === undefined || orderBy === 'alphabetical') return 'name';
  return orderBy === 'size' ? 'joined_members' : (orderBy as RoomOrder); // the endpoint's schema vouches for it
}

function textOf({ room }: RoomOverview, type: string, key: string): string | null {
  const value: unknown = room?.find(type, '')?.content[key];
  return typeof value === 'string' ? value : null;
}

function toSummary(overview: RoomOverview) {
  const { room } = overview;
  return {
    room_id: overview.roomId,
    name: overview.name,
    canonical_alias: overview.alias,
    joined_members: overview.joined,
    joined_local_members: overview.joinedLocal,
    version: overview.version,
    creator: room?.find('m.room.create', '')?.sender ?? null,
    encryption: textOf(overview, 'm.room.encryption', 'algorithm'),
    federatable: room?.find('m.room.create', '')?.content['m.federate'] !== false,
    public: overview.isPublished,
    join_rules: textOf(overview, 'm.room.join_rules', 'join_rule'),
    guest_access: textOf(overview, 'm.room.guest_access', 'guest_access'),
    history_visibility: textOf(overview, 'm.room.history_visibility', 'history_visibility'),
    state_events: overview.stateEvents,
    room_type: textOf(overview, 'm.room.create', 'type'),
  };
}
