import type { RoomSummary, SpaceRoom } from 'federation-spec/api/schemas/room-directory.ts';
import { forbidden, invalidParam, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { findMembership, type Membership } from '../../storage/memberships.ts';
import { findRoom } from '../../storage/rooms.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { createRemoteSpaces, MAX_SERVERS, type QueryRemoteSpace, type RemoteSpace } from './remote-spaces.ts';
import { createRoomAccess, type Inquirer } from './room-access.ts';
import { summarizeRoom, summarizeSpace } from './summarize-room.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 100;
/** Most rooms of one tree that are walked, whatever the page: a space that contains itself ends anyway, a wide one ends here. */
const MAX_WALKED = 1_000;
const MAX_DEPTH = 20;
/** Most children of a space about which another server is told. */
const MAX_TOLD_CHILDREN = 100;

export type HierarchyRequest = {
  roomId: string;
  suggestedOnly: boolean;
  limit?: number | undefined;
  maxDepth?: number | undefined;
  from?: string | undefined;
};

export type Spaces = {
  /**
   * A room that this server does not take part in is asked of the servers of `via`.
   * Throws M_NOT_FOUND, in the same words whether the room is unknown or closed to who asks.
   */
  summary: (user: Inquirer | undefined, roomId: string, via?: readonly string[]) => Promise<RoomSummary & { membership?: Membership }>;
  /** Throws M_FORBIDDEN for a root that the user may not see, M_INVALID_PARAM for a page of another question. */
  hierarchy: (user: Inquirer, request: HierarchyRequest) => Promise<{ rooms: SpaceRoom[]; next_batch?: string }>;
  /** What another server may know of a space. Throws M_NOT_FOUND. */
  forServer: (origin: string, roomId: string, suggestedOnly: boolean) => Promise<RemoteSpace>;
};

/** A room that a walk comes to. */
type Place = { roomId: string; via: readonly string[]; depth: number };

type Deps = { database: Database; rooms: HotRooms; serverName: string; queryRemote: QueryRemoteSpace };

/** https://spec.matrix.org/latest/client-server-api/#querying-the-spaces-hierarchy */
export function createSpaces({ database, rooms, serverName, queryRemote }: Deps): Spaces {
  const access = createRoomAccess({ database, rooms });
  const startRemoteWalk = createRemoteSpaces({ serverName, queryRemote });

  /** The room, when this server takes part in it. */
  async function loadHere(roomId: string) {
    const room = await rooms.load(roomId);
    return room?.joinedServers.has(serverName) === true ? room : undefined;
  }

  /** What another server tells us is for any of us; whether it is for this user is ours to check. */
  async function isOpenRemote(user: Inquirer | undefined, room: RoomSummary): Promise<boolean> {
    if (room.world_readable || ['public', 'knock', 'knock_restricted'].includes(room.join_rule ?? 'public')) return true;
    if (user === undefined) return false;
    if ((await findStanding(user, room.room_id))?.membership === 'invite') return true;
    for (const allowedId of (room.allowed_room_ids ?? []).slice(0, MAX_TOLD_CHILDREN)) {
      if ((await rooms.load(allowedId))?.localJoined.has(user.userNid) === true) return true;
    }
    return false;
  }

  async function findStanding(user: Inquirer, roomId: string) {
    const room = await findRoom(database.sql, roomId);
    return room === undefined ? undefined : await findMembership(database.sql, room.roomNid, user.userNid);
  }

  /** Servers may be wrong about a room, or gone: the next is asked then. */
  async function askFor(user: Inquirer | undefined, roomId: string, via: readonly string[]): Promise<RoomSummary | undefined> {
    for (const server of via.filter((name) => name !== serverName).slice(0, MAX_SERVERS)) {
      const answer = await queryRemote(server, roomId, true);
      if (answer?.room.room_id !== roomId) continue;
      const { children_state: _children, ...summary } = answer.room;
      return (await isOpenRemote(user, summary)) ? summary : undefined;
    }
    return undefined;
  }

  async function summary(user: Inquirer | undefined, roomId: string, via: readonly string[] = []) {
    const room = await loadHere(roomId);
    const isOpen = room !== undefined && (await access.isOpenTo(room, user));
    const found = room === undefined ? await askFor(user, roomId, via) : isOpen ? summarizeRoom(room) : undefined;
    if (found === undefined) throw notFound('There is no such room that you may see.');
    if (user === undefined) return found;
    return { ...found, membership: (await findStanding(user, roomId))?.membership ?? 'leave' };
  }

  async function hierarchy(user: Inquirer, request: HierarchyRequest) {
    const { suggestedOnly } = request;
    const maxDepth = Math.min(request.maxDepth ?? MAX_DEPTH, MAX_DEPTH);
    const question = `${suggestedOnly ? 's' : 'a'}${maxDepth}`;
    const start = readPage(request.from, question);
    const end = start + Math.max(1, Math.min(request.limit ?? DEFAULT_PAGE, MAX_PAGE));
    const seen = new Set<string>();
    const found: SpaceRoom[] = [];
    const remote = startRemoteWalk({ suggestedOnly, isFirstPage: request.from === undefined });

    async function look({ roomId, via, depth }: Place): Promise<SpaceRoom | undefined> {
      const room = await loadHere(roomId);
      if (room !== undefined) return (await access.isOpenTo(room, user)) ? summarizeSpace(room, suggestedOnly) : undefined;
      const told = await remote.look(roomId, via, depth >= maxDepth);
      return told !== undefined && (await isOpenRemote(user, told)) ? told : undefined;
    }

    const waiting: Place[] = [{ roomId: request.roomId, via: [], depth: 0 }];
    while (found.length <= end && seen.size < MAX_WALKED) {
      const next = waiting.pop();
      if (next === undefined) break;
      if (seen.has(next.roomId)) continue;
      seen.add(next.roomId);
      const room = await look(next);
      if (room === undefined) {
        if (next.depth === 0) throw forbidden(`You may not see the room ${next.roomId}, or this server does not know it.`);
        continue;
      }
      found.push(room);
      if (next.depth >= maxDepth || room.room_type !== 'm.space') continue;
      for (const child of room.children_state.slice(0, MAX_WALKED).reverse()) {
        waiting.push({ roomId: child.state_key, via: readVia(child.content['via']), depth: next.depth + 1 });
      }
    }
    return { rooms: found.slice(start, end), ...(found.length > end ? { next_batch: `${question}_${end}` } : {}) };
  }

  return {
    hierarchy,
    summary,
    forServer: async (origin, roomId, suggestedOnly) => {
      const room = await loadHere(roomId);
      if (room === undefined || !(await access.isOpenToServer(room, origin))) throw notFound('There is no such room that you may see');
      const space = summarizeSpace(room, suggestedOnly);
      const children: RoomSummary[] = [];
      const inaccessible: string[] = [];
      for (const { state_key: childId } of space.children_state.slice(0, MAX_TOLD_CHILDREN)) {
        const child = await loadHere(childId);
        if (child === undefined) continue;
        if (await access.isOpenToServer(child, origin)) children.push(summarizeRoom(child));
        else inaccessible.push(childId);
      }
      return { room: space, children, inaccessible_children: inaccessible };
    },
  };
}

function readPage(from: string | undefined, question: string): number {
  if (from === undefined) return 0;
  const [asked, place] = from.split('_');
  const start = Number(place);
  if (asked !== question || !Number.isSafeInteger(start) || start < 0 || start > MAX_WALKED)
    throw invalidParam('from is no page of this question: suggested_only and max_depth must stay as they were.');
  return start;
}

function readVia(via: unknown): string[] {
  return Array.isArray(via) ? via.filter((server) => typeof server === 'string') : [];
}
