import type { PublicRoom, RoomSummary, SpaceRoom } from 'federation-spec/api/schemas/room-directory.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';

/** Most rooms, and children of a room, that are read from one answer. */
const MAX_ROOMS = 2_000;

/**
 * Rooms as another server describes them. What it says comes from the rooms' own state, of which anybody may write anything: a part that
 * is not as it must be is left out, a room without an id too, and the others are shown all the same.
 */
export function readPublicRooms(values: readonly unknown[]): PublicRoom[] {
  return values.slice(0, MAX_ROOMS).flatMap((value) => readPublicRoom(value) ?? []);
}

export function readSummaries(values: readonly unknown[]): RoomSummary[] {
  return values.slice(0, MAX_ROOMS).flatMap((value) => readSummary(value) ?? []);
}

/** Undefined when it is no room. */
export function readSpaceRoom(value: unknown): SpaceRoom | undefined {
  const summary = readSummary(value);
  if (summary === undefined || !isJsonObject(value)) return undefined;
  const children = Array.isArray(value['children_state']) ? value['children_state'] : [];
  return { ...summary, children_state: children.slice(0, MAX_ROOMS).flatMap((child) => readChild(child) ?? []) };
}

function readPublicRoom(value: unknown): PublicRoom | undefined {
  if (!isJsonObject(value)) return undefined;
  const { room_id: roomId, num_joined_members: members } = value;
  if (typeof roomId !== 'string' || !roomId.startsWith('!')) return undefined;
  const alias = value['canonical_alias'];
  return {
    ...textsOf(value, ['name', 'topic', 'avatar_url', 'join_rule', 'room_type']),
    ...(typeof alias === 'string' && alias.startsWith('#') ? { canonical_alias: alias } : {}),
    room_id: roomId,
    num_joined_members: typeof members === 'number' && Number.isSafeInteger(members) && members >= 0 ? members : 0,
    world_readable: value['world_readable'] === true,
    guest_can_join: value['guest_can_join'] === true,
  };
}

function readSummary(value: unknown): RoomSummary | undefined {
  const room = readPublicRoom(value);
  if (room === undefined || !isJsonObject(value)) return undefined;
  const allowed = value['allowed_room_ids'];
  const version = textsOf(value, ['room_version', 'im.nheko.summary.version', 'im.nheko.summary.room_version']);
  const encryption = textsOf(value, ['encryption', 'im.nheko.summary.encryption']);
  const [roomVersion] = Object.values(version);
  const [algorithm] = Object.values(encryption);
  return {
    ...room,
    ...(Array.isArray(allowed)
      ? { allowed_room_ids: allowed.filter((id) => typeof id === 'string' && id.startsWith('!')) as string[] }
      : {}),
    ...(roomVersion === undefined ? {} : { room_version: roomVersion }),
    ...(algorithm === undefined ? {} : { encryption: algorithm }),
  };
}

function readChild(value: unknown): SpaceRoom['children_state'][number] | undefined {
  if (!isJsonObject(value)) return undefined;
  const { type, sender, state_key: stateKey, content, origin_server_ts: time } = value;
  if (type !== 'm.space.child' || typeof sender !== 'string' || !sender.startsWith('@')) return undefined;
  if (typeof stateKey !== 'string' || !stateKey.startsWith('!') || !isJsonObject(content)) return undefined;
  if (typeof time !== 'number' || !Number.isSafeInteger(time)) return undefined;
  return { type, sender, state_key: stateKey, content, origin_server_ts: time };
}

function textsOf<Key extends string>(value: JsonObject, keys: readonly Key[]): Partial<Record<Key, string>> {
  const texts: Partial<Record<Key, string>> = {};
  for (const key of keys) {
    const text = value[key];
    if (typeof text === 'string' && text !== '') texts[key] = text;
  }
  return texts;
}
