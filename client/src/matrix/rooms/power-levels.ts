import {
  type NamedLevel,
  namedPowerLevel,
  type PowerState,
  powerLevelOf as powerLevelIn,
  requiredPowerLevel,
} from 'federation-spec/auth-rules/power-levels.ts';
import type { RoomPermissions } from './room-member.ts';
import { type RoomRecord, rulesOf, stateEvent } from './room-record.ts';

/** Creators in room versions from 12 on stand above every number. */
export const CREATOR_POWER_LEVEL = Number.POSITIVE_INFINITY;
const MODERATOR = 50;
const ADMIN = 100;

/** A user's power in a room. */
export function powerLevelOf(record: RoomRecord, userId: string): number {
  return powerLevelIn(userId, stateOf(record), rulesOf(record));
}

export function roleOf(powerLevel: number): 'creator' | 'admin' | 'moderator' | 'member' {
  if (powerLevel === CREATOR_POWER_LEVEL) return 'creator';
  if (powerLevel >= ADMIN) return 'admin';
  return powerLevel >= MODERATOR ? 'moderator' : 'member';
}

/** All that the user may do, for buttons to show. */
export function permissionsOf(record: RoomRecord, userId: string): RoomPermissions {
  const [state, rules] = [stateOf(record), rulesOf(record)];
  const power = record.membership === 'join' ? powerLevelOf(record, userId) : Number.NEGATIVE_INFINITY;
  const maySend = (type: string, stateKey?: string): boolean => power >= requiredPowerLevel({ type, stateKey }, state, rules);
  const mayAct = (action: NamedLevel): boolean => power >= namedPowerLevel(action, state, rules);
  return {
    sendMessages: maySend('m.room.message'),
    react: maySend('m.reaction'),
    redactOthers: mayAct('redact'),
    invite: mayAct('invite'),
    kick: mayAct('kick'),
    ban: mayAct('ban'),
    changeName: maySend('m.room.name', ''),
    changeTopic: maySend('m.room.topic', ''),
    changeAvatar: maySend('m.room.avatar', ''),
    changePowerLevels: maySend('m.room.power_levels', ''),
    enableEncryption: maySend('m.room.encryption', ''),
  };
}

/** The state that levels are read from. */
export function stateOf(record: RoomRecord): PowerState {
  return { find: (type, stateKey) => stateEvent(record, type, stateKey) };
}
