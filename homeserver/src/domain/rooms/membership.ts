import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { badState, forbidden, guestAccessForbidden, invalidParam, matrixError, notFound, unknown } from '../../platform/matrix-error.ts';
import { findBlock } from '../../storage/blocked-rooms.ts';
import type { Database } from '../../storage/database.ts';
import { findMembership, type Membership, markForgotten } from '../../storage/memberships.ts';
import { findRoom } from '../../storage/rooms.ts';
import { findNoticeRoom } from '../../storage/server-notices.ts';
import type { FollowUpgrade } from '../accounts/follow-upgrade.ts';
import type { Log } from '../streams/log.ts';
import { type AuthoriseJoin, createAuthoriseJoin } from './authorise-join.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { InvitePermission } from './invite-permission.ts';
import type { InviteUser } from './invite-user.ts';
import type { PartialRooms } from './partial-rooms.ts';
import type { RemoteRooms } from './remote-rooms.ts';
import type { SendEvent } from './send-event.ts';

/** How long somebody who comes after another waits for the members to be known, before another server is asked to let them in too. */
const STRANGER_WAIT_MS = 3_000;

/** The profile fields that a membership event carries: `displayname`, `avatar_url`. */
export type FindProfile = (userId: string) => Promise<JsonObject>;

type Actor = { userId: string; userNid: number; isGuest?: boolean };
type Target = { roomId: string; target: string; reason?: string | undefined };

export type Memberships = {
  /** Joins here, or through one of `via` when this server is not in the room. `content` are further fields of the event. */
  join: (
    actor: Actor,
    request: { roomId: string; via: readonly string[]; reason?: string | undefined; content?: JsonObject },
  ) => Promise<void>;
  /** Tells a room of a member's new name and picture; nothing happens where they are no member, or no more by the time. */
  tellProfile: (actor: Actor, roomId: string) => Promise<void>;
  knock: (actor: Actor, request: { roomId: string; via: readonly string[]; reason?: string | undefined }) => Promise<void>;
  /** Throws M_CANNOT_LEAVE_SERVER_NOTICE_ROOM for the server's own invite, unless it is not the person who wants it. */
  leave: (actor: Actor, request: { roomId: string; reason?: string | undefined; isForced?: boolean }) => Promise<void>;
  /** Throws M_INVITE_BLOCKED when the target takes no invites of the actor. */
  invite: (actor: Actor, request: Target & { isDirect?: boolean }) => Promise<void>;
  /** Writes a membership event as the actor words it, with all that is checked otherwise; resolves with its id. */
  put: (
    actor: Actor,
    request: { roomId: string; target: string; content: JsonObject; originServerTs?: number | undefined },
  ) => Promise<string>;
  kick: (actor: Actor, request: Target) => Promise<void>;
  ban: (actor: Actor, request: Target) => Promise<void>;
  unban: (actor: Actor, request: Target) => Promise<void>;
  /** Throws M_UNKNOWN while the user is still in the room; one that the user never was in is forgotten already. */
  forget: (actor: Actor, roomId: string) => Promise<void>;
  /** What the room's current state says of the user; undefined when it says nothing. */
  membershipOf: (room: HotRoom, userId: string) => Promise<Membership | undefined>;
  authorise: AuthoriseJoin;
};

type Deps = {
  database: Database;
  log: Log;
  rooms: HotRooms;
  sendEvent: SendEvent;
  inviteUser: InviteUser;
  findProfile: FindProfile;
  remote: RemoteRooms;
  partialRooms: Pick<PartialRooms, 'untilWhole'>;
  invitePermission: Pick<InvitePermission, 'check'>;
  followUpgrade: FollowUpgrade;
  serverName: string;
};

/** https://spec.matrix.org/latest/client-server-api/#room-membership */
export function createMemberships(deps: Deps): Memberships {
  const { database, log, rooms, sendEvent, inviteUser, findProfile, remote, partialRooms, invitePermission, followUpgrade, serverName } =
    deps;
  const authorise = createAuthoriseJoin({ database, findOwnRoom, membershipOf });

  async function membershipOf(room: HotRoom, userId: string): Promise<Membership | undefined> {
    await rooms.ensureMembers(room, [userId]);
    return room.find(MEMBER, userId)?.content['membership'] as Membership | undefined;
  }

  /** The room, when this server takes part in it and so can make its events. */
  async function findOwnRoom(roomId: string): Promise<HotRoom | undefined> {
    const room = await rooms.load(roomId);
    return room?.joinedServers.has(serverName) === true ? room : undefined;
  }

  async function loadOwnRoom(roomId: string): Promise<HotRoom> {
    const room = await findOwnRoom(roomId);
    if (room === undefined) throw forbidden(`You are not in the room ${roomId}.`);
    return room;
  }

  /** The room when it says how somebody stands to it, for which all of its members may have to be waited for; ours came in after us. */
  async function loadKnowing(roomId: string, userId: string): Promise<HotRoom> {
    const room = await loadOwnRoom(roomId);
    if (!room.isPartial || serverNameOf(userId) === serverName || (await membershipOf(room, userId)) !== undefined) return room;
    return (await partialRooms.untilWhole(room)) ? await loadOwnRoom(roomId) : room;
  }

  async function send(actor: Actor, { roomId }: HotRoom, target: string, content: JsonObject, originServerTs?: number): Promise<string> {
    const time = originServerTs === undefined ? {} : { originServerTs };
    return await sendEvent({ roomId, sender: actor.userId, senderNid: actor.userNid, type: MEMBER, stateKey: target, content, ...time });
  }

  async function join(actor: Actor, request: Parameters<Memberships['join']>[1]): Promise<void> {
    const { roomId } = request;
    await checkNotBlocked(roomId);
    const before = await findOwnRoom(roomId);
    const wasThere = before !== undefined && (await membershipOf(before, actor.userId)) === 'join';
    await enter(actor, request);
    if (!wasThere) await bringAlong(actor, roomId);
  }

  async function checkNotBlocked(roomId: string): Promise<void> {
    if ((await findBlock(database.sql, roomId)) !== undefined) throw forbidden('This room has been blocked on this server.');
  }

  /** What somebody kept of the room that this one replaces counts here. */
  async function bringAlong(actor: Actor, roomId: string): Promise<void> {
    const predecessor = (await rooms.load(roomId))?.find('m.room.create', '')?.content['predecessor'];
    const from: unknown = isJsonObject(predecessor) ? predecessor['room_id'] : undefined;
    const old = typeof from === 'string' ? await rooms.load(from) : undefined;
    if (old === undefined || old.find('m.room.tombstone', '')?.content['replacement_room'] !== roomId) return;
    await followUpgrade(actor, { from: old.roomId, to: roomId });
  }

  async function enter(actor: Actor, { roomId, via, reason, content }: Parameters<Memberships['join']>[1]): Promise<void> {
    const own = { ...(await findProfile(actor.userId)), ...kindOf(actor), ...content, ...withReason(reason) };
    let room = await findOwnRoom(roomId);
    // Whether a stranger may come in is not known here before all of the room is, but by those who let us in.
    const isStranger = room?.isPartial === true && (await membershipOf(room, actor.userId)) === undefined;
    if (room !== undefined && isStranger && (await partialRooms.untilWhole(room, STRANGER_WAIT_MS).catch(() => false)))
      room = await findOwnRoom(roomId);
    if (room !== undefined && !(isStranger && room.isPartial)) {
      const current = await membershipOf(room, actor.userId);
      if (current === 'join' && content === undefined) return;
      if (current !== 'join') checkGuest(actor, room);
      const authorising = current === 'join' || current === 'invite' ? {} : await authorise(room, actor.userId);
      if (authorising !== undefined) {
        await send(actor, room, actor.userId, { ...own, ...authorising, membership: 'join' });
        return;
      }
    }
    const request = { roomId, userId: actor.userId, userNid: actor.userNid, via: await listServers(roomId, via), content: own };
    if ((await remote.join(request)) === 'again')
      await enter(actor, { roomId, via, reason, ...(content === undefined ? {} : { content }) });
    else if (actor.isGuest === true) await leaveUnlessWelcome(actor, roomId);
  }

  async function tellProfile(actor: Actor, roomId: string): Promise<void> {
    const room = await findOwnRoom(roomId);
    if (room === undefined || (await membershipOf(room, actor.userId)) !== 'join') return;
    const { userId, userNid } = actor;
    const content = { ...(await findProfile(userId)), ...kindOf(actor), membership: 'join' };
    try {
      await sendEvent({ roomId, sender: userId, senderNid: userNid, type: MEMBER, stateKey: userId, content, whileJoined: true });
    } catch (error) {
      if ((await membershipOf(room, userId)) === 'join') throw error;
    }
  }

  /** The servers named, and those that were in the room when we last heard of it. */
  async function listServers(roomId: string, via: readonly string[]): Promise<string[]> {
    const known = [...((await rooms.load(roomId))?.joinedServers.keys() ?? [])];
    return [...new Set([...via, ...known.filter((server) => server !== serverName)])];
  }

  /** What another server's room says of guests is known only once one is in it. */
  async function leaveUnlessWelcome(guest: Actor, roomId: string): Promise<void> {
    const room = await loadOwnRoom(roomId);
    try {
      checkGuest(guest, room);
    } catch (error) {
      await send(guest, room, guest.userId, { membership: 'leave' });
      throw error;
    }
  }

  /** What the server has to say is not refused unread. https://spec.matrix.org/latest/client-server-api/#server-notices */
  async function checkMayRefuse(actor: Actor, room: HotRoom): Promise<void> {
    if ((await findNoticeRoom(database.sql, actor.userNid))?.roomNid !== room.nid) return;
    throw matrixError(403, 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM', 'You cannot reject this invite');
  }

  async function leave(actor: Actor, { roomId, reason, isForced = false }: Parameters<Memberships['leave']>[1]): Promise<void> {
    const room = await findOwnRoom(roomId);
    const content = withReason(reason);
    if (room !== undefined) {
      const current = await membershipOf(room, actor.userId);
      if (current === 'leave') return;
      if (current === 'invite' && !isForced) await checkMayRefuse(actor, room);
      await send(actor, room, actor.userId, { ...content, membership: 'leave' });
      return;
    }
    const row = await findRoom(database.sql, roomId);
    const standing = row === undefined ? undefined : await findMembership(database.sql, row.roomNid, actor.userNid);
    if (standing === undefined) throw notFound(`You have nothing to do with the room ${roomId}.`);
    if (standing.membership !== 'invite' && standing.membership !== 'knock') return;
    await remote.leave({ roomId, userId: actor.userId, userNid: actor.userNid, via: [], content });
  }

  async function invite(actor: Actor, room: HotRoom, target: string, content: JsonObject, originServerTs?: number): Promise<string> {
    const theirServer = parseUserId(target)?.serverName;
    if (theirServer === undefined) throw invalidParam(`${target} is no user id.`);
    if (theirServer !== serverName) return await inviteUser(room, { sender: actor.userId, senderNid: actor.userNid, target, content });
    await invitePermission.check(target, actor.userId, room.roomId);
    return await send(actor, room, target, { ...(await findProfile(target)), ...content }, originServerTs);
  }

  /** Nobody names for themselves who lets them in: that is for the server to find. */
  async function put(actor: Actor, { roomId, target, content, originServerTs }: Parameters<Memberships['put']>[1]): Promise<string> {
    const room = await loadKnowing(roomId, target);
    const { join_authorised_via_users_server: _, ...own } = content;
    const { membership } = own;
    if (membership === 'invite') return await invite(actor, room, target, own, originServerTs);
    const isOwnLeave = membership === 'leave' && target === actor.userId;
    if (isOwnLeave && (await membershipOf(room, target)) === 'invite') await checkMayRefuse(actor, room);
    if (membership !== 'join' || target !== actor.userId) return await send(actor, room, target, own, originServerTs);
    const current = await membershipOf(room, target);
    if (current !== 'join') {
      checkGuest(actor, room);
      await checkNotBlocked(roomId);
    }
    const authorising = current === 'join' || current === 'invite' ? {} : ((await authorise(room, target)) ?? {});
    return await send(actor, room, target, { ...(await findProfile(target)), ...own, ...authorising }, originServerTs);
  }

  /** Kick, ban and unban differ in what the target must be before. */
  async function expel(actor: Actor, { roomId, target, reason }: Target, to: 'leave' | 'ban', from: readonly Membership[]): Promise<void> {
    const room = await loadKnowing(roomId, target);
    const current = await membershipOf(room, target);
    if (from.length > 0 && (current === undefined || !from.includes(current))) {
      const reason = `${target} is not ${from.join(' or ')} in the room, but ${current ?? 'a stranger to it'}.`;
      throw from.includes('ban') ? badState(reason) : forbidden(reason);
    }
    await send(actor, room, target, { ...withReason(reason), membership: to });
  }

  return {
    join,
    tellProfile,
    leave,
    membershipOf,
    authorise,
    knock: async (actor, { roomId, via, reason }) => {
      await checkNotBlocked(roomId);
      const content = { ...(await findProfile(actor.userId)), ...withReason(reason) };
      const room = await findOwnRoom(roomId);
      if (room === undefined) await remote.knock({ roomId, userId: actor.userId, userNid: actor.userNid, via, content });
      else await send(actor, room, actor.userId, { ...content, membership: 'knock' });
    },
    put,
    invite: async (actor, { roomId, target, reason, isDirect }) => {
      const content = { ...withReason(reason), ...(isDirect === true ? { is_direct: true } : {}), membership: 'invite' };
      await invite(actor, await loadKnowing(roomId, target), target, content);
    },
    kick: (actor, request) => expel(actor, request, 'leave', ['join', 'invite', 'knock']),
    ban: (actor, request) => expel(actor, request, 'ban', []),
    unban: (actor, request) => expel(actor, request, 'leave', ['ban']),
    forget: async (actor, roomId) => {
      const row = await findRoom(database.sql, roomId);
      const standing = row === undefined ? undefined : await findMembership(database.sql, row.roomNid, actor.userNid);
      if (row === undefined || standing === undefined) return;
      if (standing.membership !== 'leave' && standing.membership !== 'ban') throw unknown('Leave the room before you forget it.');
      await log.append({
        rows: [{ write: (sql) => markForgotten(sql, row.roomNid, actor.userNid), wakes: { membershipsOf: [actor.userNid] } }],
      });
    },
  };
}

/** https://spec.matrix.org/latest/client-server-api/#guest-access */
function checkGuest({ isGuest }: Actor, room: HotRoom): void {
  if (isGuest === true && !admitsGuests(room)) throw guestAccessForbidden('The room does not let guests in.');
}

export function admitsGuests(room: HotRoom): boolean {
  return room.find('m.room.guest_access', '')?.content['guest_access'] === 'can_join';
}

function kindOf({ isGuest }: Actor): JsonObject {
  return isGuest === true ? { kind: 'guest' } : {};
}

function withReason(reason: string | undefined): JsonObject {
  return reason === undefined ? {} : { reason };
}
