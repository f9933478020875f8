import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import { parseRoomAlias } from 'federation-spec/identifiers/room-alias.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam, matrixError, notFound, roomInUse } from '../../platform/matrix-error.ts';
import { deleteAlias, findAlias, insertAlias, listAliasesOfRoom } from '../../storage/aliases.ts';
import type { Database } from '../../storage/database.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';

/** A room and servers by which it can be reached. */
export type ResolvedAlias = { roomId: string; servers: string[] };

/** Finds the room of an alias, asking its server when it is not ours. Throws M_NOT_FOUND. */
export type ResolveAlias = (alias: string) => Promise<ResolvedAlias>;
export type ResolveRemoteAlias = ResolveAlias;

export type Aliases = {
  resolve: ResolveAlias;
  /** The same for aliases of this server only: what other servers may ask. */
  resolveLocal: ResolveAlias;
  /** Throws M_INVALID_PARAM for an alias of another server, M_ROOM_IN_USE when it is taken. */
  checkFree: (alias: string) => Promise<void>;
  set: (user: { userId: string; userNid: number }, alias: string, roomId: string) => Promise<void>;
  delete: (user: { userId: string; userNid: number; isAdmin: boolean }, alias: string) => Promise<void>;
  /** The aliases of this server that a room has, for its members. */
  list: (user: { userNid: number }, roomId: string) => Promise<string[]>;
};

type Deps = { database: Database; rooms: HotRooms; clock: Clock; serverName: string; resolveRemote: ResolveRemoteAlias };

/** https://spec.matrix.org/latest/client-server-api/#room-aliases */
export function createAliases({ database, rooms, clock, serverName, resolveRemote }: Deps): Aliases {
  const { sql } = database;

  function serverOf(alias: string): string {
    const parsed = parseRoomAlias(alias);
    if (parsed === undefined) throw invalidParam(`${alias} is no room alias; one looks like #name:${serverName}.`);
    return parsed.serverName;
  }

  async function resolveLocal(alias: string): Promise<ResolvedAlias> {
    const row = serverOf(alias) === serverName ? await findAlias(sql, alias) : undefined;
    if (row === undefined) throw notFound(`The room alias ${alias} does not exist.`);
    const room = await rooms.loadByNid(row.roomNid);
    const others = [...(room?.joinedServers.keys() ?? [])].filter((server) => server !== serverName);
    return { roomId: row.roomId, servers: [serverName, ...others] };
  }

  async function checkFree(alias: string): Promise<void> {
    if (serverOf(alias) !== serverName) throw invalidParam(`Aliases made here end in :${serverName}.`);
    if ((await findAlias(sql, alias)) !== undefined) throw roomInUse(`The alias ${alias} is taken.`);
  }

  return {
    resolveLocal,
    checkFree,
    resolve: async (alias) => (serverOf(alias) === serverName ? await resolveLocal(alias) : await resolveRemote(alias)),
    set: async (user, alias, roomId) => {
      if (serverOf(alias) !== serverName) throw invalidParam(`Aliases made here end in :${serverName}.`);
      if ((await findAlias(sql, alias)) !== undefined) throw matrixError(409, 'M_UNKNOWN', `The alias ${alias} exists already.`);
      const room = await rooms.load(roomId);
      if (room?.localJoined.has(user.userNid) !== true) throw forbidden(`You are not in the room ${roomId}.`);
      await insertAlias(sql, { alias, roomNid: room.nid, creatorNid: user.userNid, createdAt: clock.now() });
    },
    delete: async (user, alias) => {
      const row = await findAlias(sql, alias);
      if (row === undefined) throw notFound(`The room alias ${alias} does not exist.`);
      const room = await rooms.loadByNid(row.roomNid);
      const mayEdit =
        room?.localJoined.has(user.userNid) &&
        powerLevelOf(user.userId, room, room.rules) >=
          requiredPowerLevel({ type: 'm.room.canonical_alias', stateKey: '' }, room, room.rules);
      if (row.creatorNid !== user.userNid && !user.isAdmin && !mayEdit)
        throw forbidden('Only who made an alias, or may set the main one, can delete it.');
      await deleteAlias(sql, alias);
    },
    list: async (user, roomId) => {
      const room = await rooms.load(roomId);
      const isWorldReadable = room?.find('m.room.history_visibility', '')?.content['history_visibility'] === 'world_readable';
      if (room === undefined || !(isWorldReadable || room.localJoined.has(user.userNid)))
        throw forbidden(`You are not in the room ${roomId}.`);
      return await listAliasesOfRoom(sql, room.nid);
    },
  };
}
