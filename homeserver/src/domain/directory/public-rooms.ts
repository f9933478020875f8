import type { PublicRoom, PublicRooms as PublicRoomsPage } from 'federation-spec/api/schemas/room-directory.ts';
import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import { forbidden, invalidParam, notFound } from '../../platform/matrix-error.ts';
import { isPublished, listPublishedRooms, setPublished } from '../../storage/aliases.ts';
import type { Database } from '../../storage/database.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { describeRoom } from './describe-room.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;
/** How many published rooms are searched; a directory with more is paged through without a search term. */
const MAX_SEARCHED = 2_000;

export type DirectorySearch = {
  limit?: number | undefined;
  since?: string | undefined;
  term?: string | undefined;
  /** Null stands for ordinary rooms. */
  roomTypes?: readonly (string | null)[] | undefined;
};

/** Asks another server for its directory. */
export type QueryRemotePublicRooms = (server: string, search: DirectorySearch) => Promise<PublicRoomsPage>;

export type PublicRooms = {
  /** The directory of this server, or of another one; the rooms with most members first. */
  search: (search: DirectorySearch & { server?: string | undefined }) => Promise<PublicRoomsPage>;
  isListed: (roomId: string) => Promise<boolean>;
  /** Lists a room, or takes it out. Throws M_FORBIDDEN for who may not set the room's main alias. */
  list: (user: { userId: string; userNid: number; isAdmin: boolean }, roomId: string, isListed: boolean) => Promise<void>;
};

type Deps = { database: Database; rooms: HotRooms; serverName: string; queryRemote: QueryRemotePublicRooms };

/** https://spec.matrix.org/latest/client-server-api/#published-room-directory */
export function createPublicRooms({ database, rooms, serverName, queryRemote }: Deps): PublicRooms {
  const { sql } = database;

  async function searchHere({ limit, since, term, roomTypes }: DirectorySearch): Promise<PublicRoomsPage> {
    const from = since === undefined || since === '' ? 0 : Number(since);
    if (!Number.isSafeInteger(from) || from < 0) throw invalidParam(`${since} is no place in this directory.`);
    const size = Math.max(1, Math.min(limit ?? DEFAULT_PAGE, MAX_PAGE));
    const published = await listPublishedRooms(sql);
    const isSearch = (term !== undefined && term.trim() !== '') || roomTypes !== undefined;

    const candidates = isSearch ? published.slice(0, MAX_SEARCHED) : published.slice(from, from + size);
    const described: PublicRoom[] = [];
    for (const { roomId } of candidates) {
      const room = await rooms.load(roomId);
      if (room !== undefined) described.push(describeRoom(room));
    }
    const fitting = isSearch ? described.filter((room) => fits(room, term, roomTypes)) : described;
    const chunk = isSearch ? fitting.slice(from, from + size) : fitting;
    const total = isSearch ? fitting.length : published.length;
    return {
      chunk,
      total_room_count_estimate: total,
      ...(from + size < total ? { next_batch: String(from + size) } : {}),
      ...(from > 0 ? { prev_batch: String(Math.max(0, from - size)) } : {}),
    };
  }

  async function loadListed(roomId: string) {
    const room = await rooms.load(roomId);
    if (room === undefined) throw notFound(`This server does not know the room ${roomId}.`);
    return room;
  }

  return {
    search: ({ server, ...search }) => (server === undefined || server === serverName ? searchHere(search) : queryRemote(server, search)),
    isListed: async (roomId) => await isPublished(sql, (await loadListed(roomId)).nid),
    list: async (user, roomId, isListed) => {
      const room = await loadListed(roomId);
      const needed = requiredPowerLevel({ type: 'm.room.canonical_alias', stateKey: '' }, room, room.rules);
      const mayList = room.localJoined.has(user.userNid) && powerLevelOf(user.userId, room, room.rules) >= needed;
      if (!mayList && !user.isAdmin) throw forbidden('Only who may set the main alias of a room can list it.');
      await setPublished(sql, room.nid, isListed);
    },
  };
}

function fits(room: PublicRoom, term: string | undefined, roomTypes: DirectorySearch['roomTypes']): boolean {
  if (roomTypes !== undefined && !roomTypes.includes(room.room_type ?? null)) return false;
  const wanted = term?.trim().toLowerCase() ?? '';
  return [room.name, room.topic, room.canonical_alias].some((text) => text?.toLowerCase().includes(wanted) === true) || wanted === '';
}
