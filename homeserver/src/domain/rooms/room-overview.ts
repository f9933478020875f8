import type { JsonObject } from 'federation-spec/events/event.ts';
import { notFound } from '../../platform/matrix-error.ts';
import { listRoomOverviews, type RoomOverviewRow } from '../../storage/admin-rooms.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid } from '../../storage/events.ts';
import { listJoinedMembers } from '../../storage/memberships.ts';
import { listState } from '../../storage/state.ts';
import type { HotRoom } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import { readPdu } from './read-pdu.ts';
import type { RenderEvents } from './render-events.ts';

export type RoomOrder = 'name' | 'canonical_alias' | 'joined_members' | 'joined_local_members' | 'version' | 'state_events';
export type RoomOverview = RoomOverviewRow & { name: string | null; alias: string | null; room: HotRoom | undefined };

/** What an admin is told of rooms that they need not be in. Those of one room throw M_NOT_FOUND. */
export type RoomOverviews = {
  list: (wish: {
    from: number;
    limit: number;
    orderBy: RoomOrder;
    isDescending: boolean;
    /** Part of the name, of the main alias or of the room id. */
    term: string | undefined;
  }) => Promise<{ rooms: RoomOverview[]; total: number }>;
  load: (roomId: string) => Promise<RoomOverview>;
  members: (roomId: string) => Promise<string[]>;
  state: (roomId: string) => Promise<JsonObject[]>;
};

/** How many rooms are looked through at most. */
const MAX_ROOMS = 50_000;

type Deps = { database: Database; rooms: HotRooms; renderEvents: RenderEvents };

/** https://element-hq.github.io/synapse/latest/admin_api/rooms.html */
export function createRoomOverviews({ database, rooms, renderEvents }: Deps): RoomOverviews {
  const { sql } = database;

  async function find(roomId: string): Promise<RoomOverviewRow> {
    const [row] = await listRoomOverviews(sql, { roomId, limit: 1 });
    if (row === undefined) throw notFound(`This server does not know the room ${roomId}.`);
    return row;
  }

  const complete = async (row: RoomOverviewRow): Promise<RoomOverview> => ({ ...withTexts(row), room: await rooms.load(row.roomId) });

  return {
    list: async ({ from, limit, orderBy, isDescending, term }) => {
      const all = (await listRoomOverviews(sql, { limit: MAX_ROOMS })).map(withTexts);
      const wanted = term?.toLowerCase();
      const fitting = all.filter(
        ({ name, alias, roomId }) =>
          wanted === undefined || [name, alias, roomId].some((text) => text?.toLowerCase().includes(wanted) === true),
      );
      const direction = isDescending ? -1 : 1;
      fitting.sort((a, b) => direction * compare(sortKey(a, orderBy), sortKey(b, orderBy)));
      const page: RoomOverview[] = [];
      for (const row of fitting.slice(from, from + limit)) page.push(await complete(row));
      return { rooms: page, total: fitting.length };
    },
    load: async (roomId) => await complete(await find(roomId)),
    members: async (roomId) => {
      const { roomNid } = await find(roomId);
      return (await listJoinedMembers(sql, roomNid, { localOnly: false })).map(({ userId }) => userId);
    },
    state: async (roomId) => {
      const { roomNid } = await find(roomId);
      const rows = await listState(sql, roomNid, {});
      const events = await listEventsByNid(
        sql,
        rows.map(({ eventNid }) => eventNid),
      );
      return (await renderEvents(events, { roomId })).map((event) => ({ ...event }) as JsonObject);
    },
  };
}

type WithTexts = RoomOverviewRow & { name: string | null; alias: string | null };

function withTexts(row: RoomOverviewRow): WithTexts {
  return { ...row, name: textIn(row.nameJson, 'name'), alias: textIn(row.aliasJson, 'alias') };
}

function textIn(json: string | null, key: string): string | null {
  const value: unknown = json === null ? undefined : readPdu(json).content[key];
  return typeof value === 'string' ? value : null;
}

function sortKey(room: WithTexts, orderBy: RoomOrder): string | number {
  if (orderBy === 'joined_members') return -room.joined;
  if (orderBy === 'joined_local_members') return -room.joinedLocal;
  if (orderBy === 'state_events') return -room.stateEvents;
  if (orderBy === 'version') return Number.isNaN(Number(room.version)) ? room.version : Number(room.version);
  return (orderBy === 'canonical_alias' ? room.alias : room.name) ?? '';
}

/** Numbers by size, texts by letter, and what has no text last. */
function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a), String(b)];
  if (left === '' || right === '') return left === right ? 0 : left === '' ? 1 : -1;
  return left.localeCompare(right);
}
