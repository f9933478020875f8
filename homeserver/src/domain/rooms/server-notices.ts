import type { JsonObject } from 'federation-spec/events/event.ts';
import { unknown } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { findNoticeRoom, upsertNoticeRoom } from '../../storage/server-notices.ts';
import type { AccountData } from '../accounts/account-data.ts';
import type { CreateRoomForUser } from './create-room-for-user.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Memberships } from './membership.ts';
import type { SendEvent } from './send-event.ts';

type Person = { userNid: number; userId: string };
export type Notice = { type: string; stateKey?: string | undefined; content: JsonObject; txnId?: string | undefined };

/**
 * Tells people of this server something in its own name, in a room that each has for that.
 * https://spec.matrix.org/latest/client-server-api/#server-notices
 */
export type ServerNotices = {
  /** Resolves with the event's id. Throws M_UNKNOWN where nobody speaks for the server. */
  send: (admin: Person & { deviceId: string }, to: Person, notice: Notice) => Promise<string>;
};

const TAG = 'm.tag';
const NOTICE_TAG = 'm.server_notice';
const ROOM_NAME = 'Server notices';
const TRANSACTION_PATH = '/_synapse/admin/v1/send_server_notice/';

type Deps = {
  database: Database;
  rooms: HotRooms;
  memberships: Pick<Memberships, 'invite' | 'membershipOf'>;
  createRoomForUser: CreateRoomForUser;
  sendEvent: SendEvent;
  accountData: Pick<AccountData, 'edit'>;
  /** Who speaks for the server, if anybody does. */
  speaker: Person | undefined;
};

export function createServerNotices(deps: Deps): ServerNotices {
  const { database, rooms, memberships, createRoomForUser, sendEvent, accountData, speaker } = deps;
  const turns = new Map<number, Promise<string>>();

  async function makeRoom(by: Person, to: Person): Promise<string> {
    const roomId = await createRoomForUser(by, {
      preset: 'private_chat',
      name: ROOM_NAME,
      creationContent: { 'm.federate': false },
      powerLevelOverride: { users_default: -10 },
      invite: [to.userId],
    });
    await upsertNoticeRoom(database.sql, to.userNid, roomId);
    await accountData.edit(to.userNid, roomId, TAG, (known) => ({ ...known, tags: { ...tagsOf(known), [NOTICE_TAG]: {} } }));
    return roomId;
  }

  /** The person's room, which they are in or invited to again. */
  async function enter(by: Person, to: Person): Promise<string> {
    const known = await findNoticeRoom(database.sql, to.userNid);
    const room = known === undefined ? undefined : await rooms.load(known.roomId);
    if (room === undefined) return await makeRoom(by, to);
    const membership = await memberships.membershipOf(room, to.userId);
    if (membership !== 'join' && membership !== 'invite') await memberships.invite(by, { roomId: room.roomId, target: to.userId });
    return room.roomId;
  }

  /** One person's room is made once, however many notices come at once. */
  async function enterInTurn(by: Person, to: Person): Promise<string> {
    const before = turns.get(to.userNid) ?? Promise.resolve('');
    const mine = before.catch(() => '').then(() => enter(by, to));
    turns.set(to.userNid, mine);
    try {
      return await mine;
    } finally {
      if (turns.get(to.userNid) === mine) turns.delete(to.userNid);
    }
  }

  return {
    send: async (admin, to, { type, stateKey, content, txnId }) => {
      if (speaker === undefined) throw unknown('Server notices are not enabled on this server: BLINKCHAT_SERVER_NOTICES names who speaks');
      const roomId = await enterInTurn(speaker, to);
      const transaction =
        txnId === undefined ? undefined : { deviceId: admin.deviceId, txnPath: `${TRANSACTION_PATH}${admin.userId}/${txnId}` };
      const event = { roomId, sender: speaker.userId, senderNid: speaker.userNid, type, content };
      return await sendEvent({
        ...event,
        ...(stateKey === undefined ? {} : { stateKey }),
        ...(transaction === undefined ? {} : { transaction }),
      });
    },
  };
}

function tagsOf(content: object | undefined): object {
  const tags: unknown = content !== undefined && 'tags' in content ? content.tags : undefined;
  return typeof tags === 'object' && tags !== null ? tags : {};
}
