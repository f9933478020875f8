import type { PublicRoom, PublicRooms as PublicRoomsPage } from 'federation-spec/api/schemas/room-directory.ts';
import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { forbidden, invalidParam, notFound } from '../../platform/matrix-error.ts';
import { isPublished, listPublishedRooms, setPublished } from '../../storage/aliases.ts';
import { listRoomsOfNetworks } from '../../storage/appservice-directory.ts';
import type { Database } from '../../storage/database.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { describeRoom } from './describe-room.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;
/** How many published rooms are searched; a directory with more is paged through without a search term. */
const MAX_SEARCHED = 2_000;

/** `<service>|<network>`, as in the `instance_id` of a third-party network. */
export type Network = 'all' | { instanceId: string };

export type DirectorySearch = {
  limit?: number | undefined;
  since?: string | undefined;
  term?: string | undefined;
  /** Which directory of this server: the server's own, one of an application service's network, or all of them. */
  network?: Network | undefined;
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

  async function searchHere({ limit, since, term, roomTypes, network }: DirectorySearch): Promise<PublicRoomsPage> {
    const from = since === undefined || since === '' ? 0 : Number(since);
    if (!Number.isSafeInteger(from) || from < 0) throw invalidParam(`${since} is no place in this directory.`);
    const size = limit === 0 ? MAX_PAGE : Math.max(1, Math.min(limit ?? DEFAULT_PAGE, MAX_PAGE)); // zero is "as many as there are"
    const published = network === undefined ? await listPublishedRooms(sql) : await listRoomsOfNetworks(sql, readNetwork(network));
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
    search: async ({ server, ...search }) => {
      if (server === undefined || server === serverName) return await searchHere(search);
      if (parseServerName(server) === undefined) throw invalidParam(`${server} is no server name; one looks like example.org.`);
      return await queryRemote(server, search);
    },
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

function readNetwork(network: Network): Parameters<typeof listRoomsOfNetworks>[1] {
  if (network === 'all') return network;
  const at = network.instanceId.indexOf('|');
  if (at === -1) throw invalidParam(`${network.instanceId} is no instance_id of a third-party network.`);
  return { appserviceId: network.instanceId.slice(0, at), networkId: network.instanceId.slice(at + 1) };
}

/** What a search says of networks. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3publicrooms */
export function networkOf(includeAll: boolean | undefined, instanceId: string | undefined): Network | undefined {
  if (includeAll === true && instanceId !== undefined)
    throw invalidParam('third_party_instance_id goes with include_all_networks false only.');
  if (includeAll === true) return 'all';
  return instanceId === undefined || instanceId === '' ? undefined : { instanceId };
}
