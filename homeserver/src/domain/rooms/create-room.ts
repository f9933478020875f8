import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { roomIdOf } from 'federation-spec/events/room-id-of.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { LRUCache } from 'lru-cache';
import { badJson, invalidRoomState, MatrixError, unsupportedRoomVersion } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/database.ts';
import { internRoom } from '../../storage/rooms.ts';
import type { Log } from '../streams/log.ts';
import type { LoggedEvent, Rider } from '../streams/log-batch.ts';
import { HotRoom, MEMBER, type PreparedEvent } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { PrepareEvent } from './prepare-event.ts';
import type { EventDraft } from './room-event.ts';
import { defaultPowerLevels, PRESETS, type RoomPreset } from './room-presets.ts';

/** How much chance is in a room id. */
const ROOM_ID_BITS = 108;

export type NewRoom = {
  creator: string;
  creatorNid: number;
  /** What the creator's membership event says of them. */
  creatorProfile: JsonObject;
  version: string;
  preset: RoomPreset;
  creationContent: JsonObject;
  powerLevelOverride: JsonObject;
  initialState: readonly { type: string; stateKey: string; content: JsonObject }[];
  name?: string;
  topic?: string;
  /** The full alias, checked to be free and ours; `riders` must claim it. */
  alias?: string;
  /** Local users to invite in the same commit, with what their membership event says. */
  invites: readonly { userId: string; profile: JsonObject }[];
  /** Users of other servers who are to be invited afterwards; in trusted rooms they get the creator's power too. */
  remoteInvites: readonly string[];
  isDirect: boolean;
  /** Who may not come in, with what their membership event says beside that. */
  bans?: readonly { userId: string; content: JsonObject }[];
  /** What must commit with the room, knowing its number. */
  riders: (room: { roomNid: number; roomId: string }) => readonly Rider[];
};

/** Of how many new rooms the ids are remembered, and how many made alike at once are told apart. */
const MAX_LATELY = 10_000;
const MAX_ALIKE = 1_000;

export type CreateRoom = (room: NewRoom) => Promise<string>;

type Deps = { rooms: HotRooms; log: Log; database: Database; random: Random; serverName: string; prepareEvent: PrepareEvent };

/**
 * Makes a room with all its first events in one append: it is there whole, or not at all.
 * Throws M_UNSUPPORTED_ROOM_VERSION, and M_INVALID_ROOM_STATE when the initial state contradicts itself.
 * https://spec.matrix.org/latest/client-server-api/#creation
 */
export function createCreateRoom({ rooms, log, database, random, serverName, prepareEvent }: Deps): CreateRoom {
  const lately = new LRUCache<string, true>({ max: MAX_LATELY });

  return async function createRoom(wanted) {
    const rules = roomVersionRules(wanted.version);
    if (rules === undefined) throw unsupportedRoomVersion(`This server does not know room version ${wanted.version}.`);

    const drafts = draftEvents(wanted, rules);
    const [create, ...others] = drafts;
    if (create === undefined) throw new Error('a new room has no events');
    const { room, first } = await beginRoom(wanted, rules, create);

    const events: LoggedEvent[] = [first];
    for (const draft of others) {
      const prepared = await prepareEvent(room, draft, { senderNid: wanted.creatorNid }).catch((error: unknown) => {
        throw error instanceof MatrixError && error.errcode === 'M_FORBIDDEN' ? invalidRoomState(`${draft.type}: ${error.message}`) : error;
      });
      events.push(room.stage(prepared));
    }
    await log.append({ events, riders: wanted.riders({ roomNid: room.nid, roomId: room.roomId }) });
    return room.roomId;
  };

  /**
   * Rooms that somebody makes alike in the same millisecond would be one and the same where the create event names the room: the later one
   * is dated a moment later.
   */
  async function prepareCreate(
    draftRoom: HotRoom,
    create: EventDraft,
    senderNid: number,
  ): Promise<{ prepared: PreparedEvent; roomId: string }> {
    let draft = create;
    for (let attempt = 0; attempt < MAX_ALIKE; attempt += 1) {
      const prepared = await prepareEvent(draftRoom, draft, { senderNid });
      const roomId = roomIdOf(prepared.event, draftRoom.rules);
      if (!lately.has(roomId)) {
        lately.set(roomId, true);
        return { prepared, roomId };
      }
      draft = { ...create, originServerTs: prepared.event.origin_server_ts + 1 };
    }
    throw new Error(`more than ${MAX_ALIKE} rooms were made alike at once`);
  }

  /** The create event is made first, since from version 12 on its hash is the room's id. */
  async function beginRoom(wanted: NewRoom, rules: RoomVersionRules, create: EventDraft): Promise<{ room: HotRoom; first: LoggedEvent }> {
    const plainId = `!${random.text(ROOM_ID_BITS)}:${serverName}`;
    const draftRoom = new HotRoom({ nid: 0, roomId: plainId, version: wanted.version, rules });
    const { prepared, roomId } = await prepareCreate(draftRoom, create, wanted.creatorNid);
    const room = new HotRoom({ nid: await internRoom(database.sql, roomId, wanted.version), roomId, version: wanted.version, rules });
    prepared.logged.row.roomNid = room.nid;
    prepared.logged.wakes = { users: room.localJoined };
    for (const { userId } of [{ userId: wanted.creator }, ...wanted.invites, ...(wanted.bans ?? [])])
      room.rememberMember(userId, undefined);
    const first = room.stage(prepared);
    rooms.adopt(room);
    return { room, first };
  }
}

/** The first events in the order the specification gives. */
function draftEvents(wanted: NewRoom, rules: RoomVersionRules): EventDraft[] {
  const preset = PRESETS[wanted.preset];
  const trusted =
    wanted.preset === 'trusted_private_chat' ? [...wanted.invites.map((invite) => invite.userId), ...wanted.remoteInvites] : [];
  const state = (type: string, content: JsonObject, stateKey = ''): EventDraft => ({ type, stateKey, sender: wanted.creator, content });
  /** Who brings power levels of their own gets those, and no others before them. */
  const powerLevels = wanted.initialState.findLast((event) => event.type === 'm.room.power_levels' && event.stateKey === '');
  const isGiven = (type: string): boolean => wanted.initialState.some((event) => event.type === type && event.stateKey === '');

  const presetState = [
    state('m.room.join_rules', { join_rule: preset.joinRule }),
    state('m.room.history_visibility', { history_visibility: preset.historyVisibility }),
    state('m.room.guest_access', { guest_access: preset.guestAccess }),
  ].filter((draft) => !isGiven(draft.type));

  return [
    state('m.room.create', createContent(wanted, rules, trusted)),
    state(MEMBER, { ...wanted.creatorProfile, membership: 'join' }, wanted.creator),
    state(
      'm.room.power_levels',
      powerLevels?.content ?? { ...defaultPowerLevels(wanted.creator, trusted, rules), ...wanted.powerLevelOverride },
    ),
    ...(wanted.alias === undefined || isGiven('m.room.canonical_alias') ? [] : [state('m.room.canonical_alias', { alias: wanted.alias })]),
    ...presetState,
    ...wanted.initialState.filter((event) => event !== powerLevels).map((event) => state(event.type, event.content, event.stateKey)),
    ...(wanted.name === undefined ? [] : [state('m.room.name', { name: wanted.name })]),
    ...(wanted.topic === undefined
      ? []
      : [state('m.room.topic', { topic: wanted.topic, 'm.topic': { 'm.text': [{ body: wanted.topic, mimetype: 'text/plain' }] } })]),
    ...wanted.invites.map(({ userId, profile }) =>
      state(MEMBER, { ...profile, membership: 'invite', ...(wanted.isDirect ? { is_direct: true } : {}) }, userId),
    ),
    ...(wanted.bans ?? []).map(({ userId, content }) => state(MEMBER, { ...content, membership: 'ban' }, userId)),
  ];
}

function createContent(wanted: NewRoom, rules: RoomVersionRules, trusted: readonly string[]): JsonObject {
  const given = isJsonObject(wanted.creationContent) ? wanted.creationContent : {};
  const additional = readCreators(given['additional_creators'], rules);
  const creators = [...new Set([...additional, ...trusted])];
  return {
    ...given,
    room_version: wanted.version,
    ...(rules.creatorIsSender ? {} : { creator: wanted.creator }),
    ...(rules.privilegedCreators && creators.length > 0 ? { additional_creators: creators } : {}),
  };
}

/** Throws M_BAD_JSON when the version has further creators and these are none. */
function readCreators(given: JsonValue | undefined, rules: RoomVersionRules): readonly JsonValue[] {
  if (given === undefined || !rules.privilegedCreators) return [];
  const isList = Array.isArray(given) && given.every((userId) => typeof userId === 'string' && parseUserId(userId) !== undefined);
  if (!isList) throw badJson('additional_creators is a list of user ids.');
  return given;
}
