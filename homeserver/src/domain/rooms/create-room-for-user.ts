import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { invalidParam, MatrixError, roomInUse } from '../../platform/matrix-error.ts';
import { insertAlias, isAliasTaken, setPublished } from '../../storage/aliases.ts';
import type { Rider } from '../streams/log-batch.ts';
import type { CreateRoom } from './create-room.ts';
import type { InvitePermission } from './invite-permission.ts';
import type { FindProfile, Memberships } from './membership.ts';
import type { RoomPreset } from './room-presets.ts';
import type { ThirdPartyAddress } from './third-party/identity-servers.ts';
import type { InviteByAddress } from './third-party/invite-by-address.ts';

/** Most users invited at once while a room is made. */
const MAX_INVITES = 100;
/** All of a room is written at once, and everybody else's messages wait for it. */
const MAX_INITIAL_STATE = 500;
const MAX_NAME_LENGTH = 255;

export type RoomWish = {
  visibility?: 'public' | 'private' | undefined;
  aliasName?: string | undefined;
  name?: string | undefined;
  topic?: string | undefined;
  invite?: readonly string[] | undefined;
  inviteByAddress?: readonly ThirdPartyAddress[] | undefined;
  version?: string | undefined;
  creationContent?: JsonObject | undefined;
  initialState?: readonly { type: string; stateKey: string; content: JsonObject }[] | undefined;
  preset?: RoomPreset | undefined;
  isDirect?: boolean | undefined;
  powerLevelOverride?: JsonObject | undefined;
};

/** Makes a room as a client asks for it; resolves with its id. */
export type CreateRoomForUser = (user: { userId: string; userNid: number; appservice?: { id: string } }, wish: RoomWish) => Promise<string>;

type Deps = {
  createRoom: CreateRoom;
  memberships: Memberships;
  inviteByAddress: InviteByAddress;
  findProfile: FindProfile;
  invitePermission: Pick<InvitePermission, 'check'>;
  /** Throws unless the alias can be claimed. */
  checkAliasFree: (alias: string, appserviceId: string | undefined) => Promise<void>;
  clock: Clock;
  logger: Logger;
  serverName: string;
  defaultVersion: string;
};

/**
 * Local invites are part of the room's own commit. Other servers are asked afterwards: one that does not answer costs its invite, not the room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3createroom
 */
export function createCreateRoomForUser(deps: Deps): CreateRoomForUser {
  const {
    createRoom,
    memberships,
    inviteByAddress,
    findProfile,
    invitePermission,
    checkAliasFree,
    clock,
    logger,
    serverName,
    defaultVersion,
  } = deps;

  async function tolerate(roomId: string, invite: () => Promise<void>): Promise<void> {
    try {
      await invite();
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      logger.warn({ roomId, reason: error.message }, 'an invite of a new room could not be sent');
    }
  }

  return async function createRoomForUser(user, wish) {
    const invites = [...new Set(wish.invite ?? [])].filter((userId) => userId !== user.userId);
    checkWish(wish, invites);
    const alias = wish.aliasName === undefined ? undefined : `#${wish.aliasName}:${serverName}`;
    if (alias !== undefined) await checkAliasFree(alias, user.appservice?.id);
    const local = invites.filter((userId) => serverNameOf(userId) === serverName);
    const remote = invites.filter((userId) => !local.includes(userId));
    for (const userId of local) await invitePermission.check(userId, user.userId);

    const roomId = await createRoom({
      creator: user.userId,
      creatorNid: user.userNid,
      creatorProfile: await findProfile(user.userId),
      version: wish.version ?? defaultVersion,
      preset: wish.preset ?? (wish.visibility === 'public' ? 'public_chat' : 'private_chat'),
      creationContent: wish.creationContent ?? {},
      powerLevelOverride: overrideOf(user.userId, wish, defaultVersion),
      initialState: wish.initialState ?? [],
      ...(wish.name === undefined ? {} : { name: wish.name }),
      ...(wish.topic === undefined ? {} : { topic: wish.topic }),
      ...(alias === undefined ? {} : { alias }),
      invites: await Promise.all(local.map(async (userId) => ({ userId, profile: await findProfile(userId) }))),
      remoteInvites: remote,
      isDirect: wish.isDirect ?? false,
      riders: ({ roomNid }) => {
        const riders: Rider[] = [];
        if (alias !== undefined)
          riders.push((sql) => insertAlias(sql, { alias, roomNid, creatorNid: user.userNid, createdAt: clock.now() }));
        if (wish.visibility === 'public') riders.push((sql) => setPublished(sql, roomNid, true));
        return riders;
      },
    }).catch((error: unknown) => {
      throw isAliasTaken(error) ? roomInUse(`The alias ${alias} is taken.`) : error;
    });

    const isDirect = wish.isDirect ?? false;
    for (const target of remote) await tolerate(roomId, () => memberships.invite(user, { roomId, target, isDirect }));
    for (const address of wish.inviteByAddress ?? []) await tolerate(roomId, () => inviteByAddress(user, { roomId, address }));
    return roomId;
  };
}

function checkWish(wish: RoomWish, invites: readonly string[]): void {
  if (invites.length + (wish.inviteByAddress?.length ?? 0) > MAX_INVITES)
    throw invalidParam(`At most ${MAX_INVITES} users can be invited while a room is made.`);
  const stranger = invites.find((userId) => parseUserId(userId) === undefined);
  if (stranger !== undefined) throw invalidParam(`${stranger} is no user id; one looks like @name:example.org.`);
  if ((wish.initialState?.length ?? 0) > MAX_INITIAL_STATE)
    throw invalidParam(`A room is made with at most ${MAX_INITIAL_STATE} state events; set more when it is there.`);
  if (wish.name !== undefined && wish.name.length > MAX_NAME_LENGTH)
    throw invalidParam(`A room's name has at most ${MAX_NAME_LENGTH} characters.`);
  if (wish.aliasName !== undefined && /[\s:#\0]/.test(wish.aliasName))
    throw invalidParam('room_alias_name is the part between # and the colon, without either.');
}

/**
 * The override as it was sent; but a client that leaves the version to us may not know that in some the creator stands above all levels
 * and may not be among them.
 */
function overrideOf(creator: string, { version, powerLevelOverride = {} }: RoomWish, defaultVersion: string): JsonObject {
  const { users } = powerLevelOverride;
  const standsAbove = version === undefined && roomVersionRules(defaultVersion)?.privilegedCreators === true;
  if (!standsAbove || !isJsonObject(users)) return powerLevelOverride;
  const { [creator]: _own, ...others } = users;
  return { ...powerLevelOverride, users: others };
}
