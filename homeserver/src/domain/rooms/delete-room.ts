import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Logger } from '../../platform/logger.ts';
import { invalidParam, notFound, unknown } from '../../platform/matrix-error.ts';
import { findAccount } from '../../storage/accounts.ts';
import { listAliasesOfRoom, moveAliases } from '../../storage/aliases.ts';
import { setBlocked } from '../../storage/blocked-rooms.ts';
import type { Database } from '../../storage/database.ts';
import { markForgotten } from '../../storage/memberships.ts';
import { deleteEvents, deleteTraces, detachRoom, listLocalStandings } from '../../storage/purge.ts';
import { findRoom } from '../../storage/rooms.ts';
import type { Log } from '../streams/log.ts';
import type { CreateRoomForUser } from './create-room-for-user.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Memberships } from './membership.ts';
import type { SendEvent } from './send-event.ts';

/** Events deleted by one statement. */
const CHUNK = 1_000;
const MAX_CHUNKS = 100_000;
const [INVITE, JOIN, KNOCK] = [1, 2, 5];
const DEFAULT_NAME = 'Content Violation Notification';
const DEFAULT_MESSAGE = 'Sharing illegal content on this server is not permitted and rooms in violation will be blocked.';

export type DeleteRoomWish = {
  isBlocked: boolean;
  isPurged: boolean;
  isForced: boolean;
  /** Who makes a room that our users are moved to, and what it says. */
  newRoom?: { userId: string; name?: string | undefined; message?: string | undefined } | undefined;
};
export type DeletedRoom = { kickedUsers: string[]; failedToKickUsers: string[]; localAliases: string[]; newRoomId: string | null };

/** Takes the people of this server out of a room, and the room away. */
export type DeleteRoom = (admin: { userNid: number }, roomId: string, wish: DeleteRoomWish) => Promise<DeletedRoom>;

type Deps = {
  database: Database;
  log: Log;
  rooms: HotRooms;
  memberships: Memberships;
  createRoomForUser: CreateRoomForUser;
  sendEvent: SendEvent;
  serverName: string;
  logger: Logger;
};

/**
 * 1. Nobody comes in again, when it is to be blocked. 2. A room that says why, when one is wanted. 3. Our users leave, and are taken there.
 * 4. The aliases go along, or away. 5. What is stored of the room is deleted, when it is to be purged.
 * Throws M_NOT_FOUND for a room this server does not know.
 */
export function createDeleteRoom(deps: Deps): DeleteRoom {
  const { database, log, rooms, memberships, createRoomForUser, sendEvent, serverName, logger } = deps;
  const { sql } = database;

  async function makeNewRoom({
    userId,
    name = DEFAULT_NAME,
    message = DEFAULT_MESSAGE,
  }: NonNullable<DeleteRoomWish['newRoom']>): Promise<string> {
    const account = serverNameOf(userId) === serverName ? await findAccount(sql, userId) : undefined;
    if (account === undefined) throw invalidParam(`${userId} is no account of this server.`);
    const roomId = await createRoomForUser(account, { preset: 'public_chat', name, powerLevelOverride: { users_default: -10 } });
    const content = { msgtype: 'm.text', body: message };
    await sendEvent({ roomId, sender: account.userId, senderNid: account.userNid, type: 'm.room.message', content });
    return roomId;
  }

  async function leadOut(roomId: string, roomNid: number, newRoomId: string | null) {
    const kicked: string[] = [];
    const failed: string[] = [];
    for (const user of await listLocalStandings(sql, roomNid)) {
      const isThere = user.membership === INVITE || user.membership === JOIN || user.membership === KNOCK;
      if (!isThere) continue;
      try {
        await memberships.leave(user, { roomId, isForced: true });
        await markForgotten(sql, roomNid, user.userNid);
        if (newRoomId !== null) await memberships.join(user, { roomId: newRoomId, via: [] });
        kicked.push(user.userId);
      } catch (error) {
        logger.warn({ err: error, roomId, userId: user.userId }, 'somebody could not be taken out of a room');
        failed.push(user.userId);
      }
    }
    return { kicked, failed };
  }

  async function purge(roomNid: number): Promise<void> {
    const users = (await listLocalStandings(sql, roomNid)).map((user) => user.userNid);
    const detach = () => log.append({ rows: [{ write: (tx) => detachRoom(tx, roomNid), wakes: { users, membershipsOf: users } }] });
    const room = await rooms.loadByNid(roomNid);
    if (room === undefined) await detach();
    else {
      await room.turns.take(async () => {
        await detach();
        rooms.evict(roomNid);
      });
    }
    await deleteTraces(sql, roomNid);
    for (let chunk = 0; chunk < MAX_CHUNKS && (await deleteEvents(sql, roomNid, CHUNK)) === CHUNK; chunk += 1);
  }

  return async function deleteRoom(admin, roomId, wish) {
    if (wish.isBlocked) await setBlocked(sql, roomId, admin.userNid); // 1
    const row = await findRoom(sql, roomId);
    if (row === undefined) {
      if (!wish.isBlocked) throw notFound(`This server does not know the room ${roomId}.`);
      return { kickedUsers: [], failedToKickUsers: [], localAliases: [], newRoomId: null };
    }
    const newRoomId = wish.newRoom === undefined ? null : await makeNewRoom(wish.newRoom); // 2
    const { kicked, failed } = await leadOut(roomId, row.roomNid, newRoomId); // 3
    const localAliases = await listAliasesOfRoom(sql, row.roomNid);
    const replacement = newRoomId === null ? undefined : await findRoom(sql, newRoomId);
    if (replacement !== undefined) await sql.begin((tx) => moveAliases(tx, { from: row.roomNid, to: replacement.roomNid })); // 4
    if (wish.isPurged) {
      if (failed.length > 0 && !wish.isForced) throw unknown(`${failed.join(', ')} could not be taken out of the room; it is not purged.`);
      await purge(row.roomNid); // 5
    }
    return { kickedUsers: kicked, failedToKickUsers: failed, localAliases, newRoomId };
  };
}
