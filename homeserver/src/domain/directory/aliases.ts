import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import { parseRoomAlias } from 'federation-spec/identifiers/room-alias.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam, type MatrixError, matrixError, notFound, roomInUse } from '../../platform/matrix-error.ts';
import { deleteAlias, findAlias, insertAlias, isAliasTaken, listAliasesOfRoom } from '../../storage/aliases.ts';
import type { Database } from '../../storage/database.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { SendEvent } from '../rooms/send-event.ts';

/** A room and servers by which it can be reached. */
export type ResolvedAlias = { roomId: string; servers: string[] };

/** Finds the room of an alias, asking its server when it is not ours. Throws M_NOT_FOUND. */
export type ResolveAlias = (alias: string) => Promise<ResolvedAlias>;
export type ResolveRemoteAlias = ResolveAlias;

/** Who keeps aliases for themselves: the application services. */
export type AliasKeepers = {
  /** Throws M_EXCLUSIVE for an alias that another keeps, or that a service wants outside its namespaces. */
  checkMayUse: (alias: string, appserviceId: string | undefined) => void;
  owns: (appserviceId: string, alias: string) => boolean;
  /** Asks for an alias that is not there; true when it has been made since. */
  askFor: (alias: string) => Promise<boolean>;
};

type User = { userId: string; userNid: number; appservice?: { id: string } };

export type Aliases = {
  resolve: ResolveAlias;
  /** The same for aliases of this server only: what other servers may ask. */
  resolveLocal: ResolveAlias;
  /** Throws M_INVALID_PARAM for an alias of another server, M_EXCLUSIVE for one that is kept, M_ROOM_IN_USE when it is taken. */
  checkFree: (alias: string, appserviceId?: string) => Promise<void>;
  set: (user: User, alias: string, roomId: string) => Promise<void>;
  delete: (user: User & { isAdmin: boolean }, alias: string) => Promise<void>;
  /** The aliases of this server that a room has, for its members. */
  list: (user: { userNid: number }, roomId: string) => Promise<string[]>;
};

type Deps = {
  database: Database;
  rooms: HotRooms;
  clock: Clock;
  serverName: string;
  resolveRemote: ResolveRemoteAlias;
  keepers: AliasKeepers;
  sendEvent: SendEvent;
};

/** https://spec.matrix.org/latest/client-server-api/#room-aliases */
export function createAliases({ database, rooms, clock, serverName, resolveRemote, keepers, sendEvent }: Deps): Aliases {
  const { sql } = database;

  /** A room does not go on calling itself by an alias that is gone. */
  async function forgetMainAlias(user: User, room: HotRoom, alias: string): Promise<void> {
    const content = room.find('m.room.canonical_alias', '')?.content ?? {};
    const further: unknown = content['alt_aliases'];
    const isFurther = Array.isArray(further) && further.includes(alias);
    if (content['alias'] !== alias && !isFurther) return;
    const { alias: main, alt_aliases: _, ...rest } = content;
    const left = isFurther ? further.filter((other) => other !== alias) : further;
    await sendEvent({
      roomId: room.roomId,
      sender: user.userId,
      senderNid: user.userNid,
      type: 'm.room.canonical_alias',
      stateKey: '',
      content: {
        ...rest,
        ...(main === undefined || main === alias ? {} : { alias: main }),
        ...(Array.isArray(left) && left.length > 0 ? { alt_aliases: left } : {}),
      },
    });
  }

  function serverOf(alias: string): string {
    const parsed = parseRoomAlias(alias);
    if (parsed === undefined) throw invalidParam(`${alias} is no room alias; one looks like #name:${serverName}.`);
    return parsed.serverName;
  }

  async function resolveLocal(alias: string): Promise<ResolvedAlias> {
    if (serverOf(alias) !== serverName) throw invalidParam(`The alias ${alias} is not one of this server.`);
    let row = await findAlias(sql, alias);
    if (row === undefined && (await keepers.askFor(alias))) row = await findAlias(sql, alias);
    if (row === undefined) throw notFound(`The room alias ${alias} does not exist.`);
    const room = await rooms.loadByNid(row.roomNid);
    const others = [...(room?.joinedServers.keys() ?? [])].filter((server) => server !== serverName);
    return { roomId: row.roomId, servers: [serverName, ...others] };
  }

  /** Throws M_INVALID_PARAM. */
  function checkOurs(alias: string): void {
    if (serverOf(alias) !== serverName) throw invalidParam(`Aliases made here end in :${serverName}.`);
    if (/\s/.test(alias)) throw invalidParam('An alias holds no blanks.');
  }

  async function checkFree(alias: string, appserviceId?: string): Promise<void> {
    checkOurs(alias);
    keepers.checkMayUse(alias, appserviceId);
    if ((await findAlias(sql, alias)) !== undefined) throw roomInUse(`The alias ${alias} is taken.`);
  }

  return {
    resolveLocal,
    checkFree,
    resolve: async (alias) => (serverOf(alias) === serverName ? await resolveLocal(alias) : await resolveRemote(alias)),
    set: async (user, alias, roomId) => {
      checkOurs(alias);
      keepers.checkMayUse(alias, user.appservice?.id);
      if ((await findAlias(sql, alias)) !== undefined) throw exists(alias);
      const room = await rooms.load(roomId);
      if (room === undefined || (user.appservice === undefined && !room.localJoined.has(user.userNid)))
        throw forbidden(`You are not in the room ${roomId}.`);
      const row = { alias, roomNid: room.nid, creatorNid: user.userNid, createdAt: clock.now() };
      await insertAlias(sql, row).catch((error: unknown) => {
        throw isAliasTaken(error) ? exists(alias) : error;
      });
    },
    delete: async (user, alias) => {
      const row = await findAlias(sql, alias);
      if (row === undefined) throw notFound(`The room alias ${alias} does not exist.`);
      const room = await rooms.loadByNid(row.roomNid);
      const mayEdit =
        room?.localJoined.has(user.userNid) &&
        powerLevelOf(user.userId, room, room.rules) >=
          requiredPowerLevel({ type: 'm.room.canonical_alias', stateKey: '' }, room, room.rules);
      const isKeeper = user.appservice !== undefined && keepers.owns(user.appservice.id, alias);
      if (user.appservice === undefined) keepers.checkMayUse(alias, undefined);
      if (row.creatorNid !== user.userNid && !user.isAdmin && !mayEdit && !isKeeper)
        throw forbidden('Only who made an alias, or may set the main one, can delete it.');
      await deleteAlias(sql, alias);
      if (room !== undefined && mayEdit === true) await forgetMainAlias(user, room, alias);
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

function exists(alias: string): MatrixError {
  return matrixError(409, 'M_UNKNOWN', `The alias ${alias} exists already.`);
}
