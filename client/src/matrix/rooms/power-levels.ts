import { numberIn, objectIn, stringIn, stringsIn } from '../json.ts';
import type { RoomPermissions } from './room-member.ts';
import { type RoomRecord, stateContent, stateEvent } from './room-record.ts';

/** Creators in room versions from 12 on stand above every number. */
export const CREATOR_POWER_LEVEL = Number.POSITIVE_INFINITY;
const MODERATOR = 50;
const ADMIN = 100;
/** Room versions in which creators are not listed in the power levels. */
const VERSIONS_WITH_PRIVILEGED_CREATORS = new Set(['12', 'org.matrix.hydra.11']);

/** A user's power in a room. https://spec.matrix.org/latest/client-server-api/#mroompower_levels */
export function powerLevelOf(record: RoomRecord, userId: string): number {
  const create = stateEvent(record, 'm.room.create');
  const isCreator = create?.sender === userId || stringsIn(create?.content, 'additional_creators').includes(userId);
  if (isCreator && VERSIONS_WITH_PRIVILEGED_CREATORS.has(stringIn(create?.content, 'room_version') ?? '1')) return CREATOR_POWER_LEVEL;

  const levels = stateContent(record, 'm.room.power_levels');
  if (levels === undefined) return isCreator ? ADMIN : 0;
  return numberIn(objectIn(levels, 'users'), userId) ?? numberIn(levels, 'users_default') ?? 0;
}

export function roleOf(powerLevel: number): 'creator' | 'admin' | 'moderator' | 'member' {
  if (powerLevel === CREATOR_POWER_LEVEL) return 'creator';
  if (powerLevel >= ADMIN) return 'admin';
  return powerLevel >= MODERATOR ? 'moderator' : 'member';
}

/** Whether the user may send an event of the type (`isState`: as state). */
export function maySend(record: RoomRecord, userId: string, type: string, isState = false): boolean {
  const levels = stateContent(record, 'm.room.power_levels');
  const fallback = isState
    ? (numberIn(levels, 'state_default') ?? (levels === undefined ? 0 : MODERATOR))
    : (numberIn(levels, 'events_default') ?? 0);
  return record.membership === 'join' && powerLevelOf(record, userId) >= (numberIn(objectIn(levels, 'events'), type) ?? fallback);
}

/** All that the user may do, for buttons to show. */
export function permissionsOf(record: RoomRecord, userId: string): RoomPermissions {
  const levels = stateContent(record, 'm.room.power_levels');
  const power = powerLevelOf(record, userId);
  const mayAct = (action: string, fallback: number): boolean =>
    record.membership === 'join' && power >= (numberIn(levels, action) ?? fallback);
  return {
    sendMessages: maySend(record, userId, 'm.room.message'),
    react: maySend(record, userId, 'm.reaction'),
    redactOthers: mayAct('redact', MODERATOR),
    invite: mayAct('invite', 0),
    kick: mayAct('kick', MODERATOR),
    ban: mayAct('ban', MODERATOR),
    changeName: maySend(record, userId, 'm.room.name', true),
    changeTopic: maySend(record, userId, 'm.room.topic', true),
    changeAvatar: maySend(record, userId, 'm.room.avatar', true),
    changePowerLevels: maySend(record, userId, 'm.room.power_levels', true),
    enableEncryption: maySend(record, userId, 'm.room.encryption', true),
  };
}
