import { powerLevelOf, requiredPowerLevel } from 'federation-spec/auth-rules/power-levels.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Logger } from '../../platform/logger.ts';
import { forbidden, MatrixError, notFound, unsupportedRoomVersion } from '../../platform/matrix-error.ts';
import { moveAliases } from '../../storage/aliases.ts';
import type { Database } from '../../storage/database.ts';
import { listBans } from '../../storage/memberships.ts';
import type { FollowUpgrade } from '../accounts/follow-upgrade.ts';
import type { CreateRoom } from './create-room.ts';
import type { HotRoom } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { FindProfile } from './membership.ts';
import { readPdu } from './read-pdu.ts';
import type { SendEvent } from './send-event.ts';

/** The state that goes along to the new room, in the order it is written there; power levels are made from the old ones. */
const CARRIED_STATE = [
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.encryption',
  'm.room.server_acl',
  'm.room.canonical_alias',
] as const;
/** State of a space, one event for each child. */
const CARRIED_LISTS = ['m.space.child'];
/** Most bans that go along; those made last, when there are more. */
const MAX_CARRIED_BANS = 2_000;
/** What whoever upgrades has at least in the new room, so that they can write its first state. */
const UPGRADER_LEVEL = 100;
/** What speaking and inviting need at least in a room that has been left behind. */
const QUIET_LEVEL = 50;
const DEFAULT_STATE_LEVEL = 50;

export type UpgradeRoom = (
  user: { userId: string; userNid: number },
  request: { roomId: string; newVersion: string; additionalCreators?: readonly string[] | undefined },
) => Promise<string>;

type Deps = {
  rooms: HotRooms;
  database: Database;
  createRoom: CreateRoom;
  sendEvent: SendEvent;
  findProfile: FindProfile;
  followUpgrade: FollowUpgrade;
  logger: Logger;
};

/**
 * Replaces a room by a new one; resolves with the new room's id.
 * 1. Who may not send the tombstone may not upgrade.
 * 2. The new room is made, with what the old one was, and a pointer back.
 * 3. The tombstone points forward.
 * 4. Our aliases and the listing in the directory move.
 * 5. The old room falls silent, as far as the sender's power goes.
 * Throws M_NOT_FOUND, M_FORBIDDEN and M_UNSUPPORTED_ROOM_VERSION.
 * https://spec.matrix.org/latest/client-server-api/#server-behaviour-17
 */
export function createUpgradeRoom({ rooms, database, createRoom, sendEvent, findProfile, followUpgrade, logger }: Deps): UpgradeRoom {
  /** What is under way, by room, person and version: asked for again meanwhile, it is the same room. */
  const underWay = new Map<string, Promise<string>>();

  return async function upgradeRoom(user, request) {
    const key = JSON.stringify([request.roomId, user.userNid, request.newVersion, request.additionalCreators ?? []]);
    const earlier = underWay.get(key);
    if (earlier !== undefined) return await earlier;
    const upgrading = upgrade(user, request);
    underWay.set(key, upgrading);
    try {
      return await upgrading;
    } finally {
      underWay.delete(key);
    }
  };

  async function upgrade(...[user, { roomId, newVersion, additionalCreators = [] }]: Parameters<UpgradeRoom>): Promise<string> {
    const rules = roomVersionRules(newVersion);
    if (rules === undefined) throw unsupportedRoomVersion(`This server does not know room version ${newVersion}.`);
    const old = await loadUpgradable(user, roomId); // 1

    const replacementId = await createRoom({
      creator: user.userId,
      creatorNid: user.userNid,
      creatorProfile: await findProfile(user.userId),
      version: newVersion,
      preset: 'private_chat',
      creationContent: creationContent(old, rules, additionalCreators),
      powerLevelOverride: powerLevels(old, rules, user.userId, additionalCreators),
      initialState: carriedState(old),
      invites: [],
      remoteInvites: [],
      isDirect: false,
      bans: await listCarriedBans(old),
      riders: () => [],
    }); // 2
    await followUpgrade(user, { from: roomId, to: replacementId });
    const tombstone = { body: 'This room has been replaced', replacement_room: replacementId };
    await send('m.room.tombstone', tombstone); // 3

    const replacement = await rooms.load(replacementId);
    if (replacement !== undefined) await database.sql.begin((sql) => moveAliases(sql, { from: old.nid, to: replacement.nid })); // 4

    if (old.find('m.room.canonical_alias', '') !== undefined) await tryToSend('m.room.canonical_alias', {});
    await tryToSend('m.room.power_levels', quietLevels(old)); // 5
    return replacementId;

    async function send(type: string, content: JsonObject): Promise<void> {
      await sendEvent({ roomId, sender: user.userId, senderNid: user.userNid, type, stateKey: '', content });
    }

    async function tryToSend(type: string, content: JsonObject): Promise<void> {
      try {
        await send(type, content);
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        logger.info({ roomId, type, reason: error.message }, 'a room that was upgraded could not be closed in every way');
      }
    }
  }

  async function listCarriedBans({ nid }: HotRoom): Promise<{ userId: string; content: JsonObject }[]> {
    const bans = await listBans(database.sql, nid, MAX_CARRIED_BANS);
    return bans.map(({ userId, json }) => {
      const { reason } = json === null ? {} : readPdu(json).content;
      return { userId, content: typeof reason === 'string' ? { reason } : {} };
    });
  }

  async function loadUpgradable({ userId, userNid }: { userId: string; userNid: number }, roomId: string): Promise<HotRoom> {
    const room = await rooms.load(roomId);
    if (room === undefined) throw notFound(`This server does not know the room ${roomId}.`);
    if (!room.localJoined.has(userNid)) throw forbidden(`You are not in the room ${roomId}.`);
    const needed = requiredPowerLevel({ type: 'm.room.tombstone', stateKey: '' }, room, room.rules);
    if (powerLevelOf(userId, room, room.rules) < needed) throw forbidden(`Upgrading this room needs power level ${needed}.`);
    return room;
  }
}

function creationContent(old: HotRoom, rules: RoomVersionRules, additionalCreators: readonly string[]): JsonObject {
  const {
    creator: _creator,
    room_version: _version,
    additional_creators: _creators,
    ...kept
  } = old.find('m.room.create', '')?.content ?? {};
  const lastEventId = old.heads.at(-1)?.eventId;
  return {
    ...kept,
    predecessor: { room_id: old.roomId, ...(lastEventId === undefined ? {} : { event_id: lastEventId }) },
    ...(rules.privilegedCreators && additionalCreators.length > 0 ? { additional_creators: [...additionalCreators] } : {}),
  };
}

function carriedState(old: HotRoom): { type: string; stateKey: string; content: JsonObject }[] {
  const single = CARRIED_STATE.flatMap((type) => {
    const content = old.find(type, '')?.content;
    return content === undefined ? [] : [{ type, stateKey: '', content }];
  });
  const lists = old.listState().flatMap(({ event: { type, state_key: stateKey, content } }) => {
    const isCarried = CARRIED_LISTS.includes(type) && stateKey !== undefined && Object.keys(content).length > 0;
    return isCarried ? [{ type, stateKey, content }] : [];
  });
  return [...single, ...lists];
}

/** The old levels; creators of a version that puts them above everyone are not listed, others get enough to write the first state. */
function powerLevels(old: HotRoom, rules: RoomVersionRules, upgrader: string, additionalCreators: readonly string[]): JsonObject {
  const content = old.find('m.room.power_levels', '')?.content;
  if (content === undefined) return {};
  const users = { ...(isJsonObject(content['users']) ? content['users'] : {}) };
  if (rules.privilegedCreators) {
    for (const creator of [upgrader, ...additionalCreators]) delete users[creator];
  } else {
    const needed = Object.values(isJsonObject(content['events']) ? content['events'] : {}).map((level) => readLevel(level, 0));
    const own = readLevel(users[upgrader], 0);
    users[upgrader] = Math.max(UPGRADER_LEVEL, own, readLevel(content['state_default'], DEFAULT_STATE_LEVEL), ...needed);
  }
  return { ...content, users };
}

function quietLevels(old: HotRoom): JsonObject {
  const content = old.find('m.room.power_levels', '')?.content ?? {};
  const quiet = Math.max(QUIET_LEVEL, readLevel(content['users_default'], 0) + 1);
  return {
    ...content,
    events_default: Math.max(quiet, readLevel(content['events_default'], 0)),
    invite: Math.max(quiet, readLevel(content['invite'], 0)),
  };
}

/** Old rooms may hold levels as text. */
function readLevel(value: unknown, absent: number): number {
  const level = typeof value === 'string' ? Number(value) : value;
  return typeof level === 'number' && Number.isSafeInteger(level) ? level : absent;
}
