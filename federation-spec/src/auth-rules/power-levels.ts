import { numberOf } from '../canonical-json/exact-number.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../events/event.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { readOwn } from './read-own.ts';
import { findRoomCreator, isPrivilegedCreator } from './room-creators.ts';

/*
 * A level is a number: `Infinity` for the creators of a version 12 room, `NaN` for a value that cannot be read as a level
 * (`"ban": "plenty"` in a version that does not forbid it). No comparison with NaN holds, so a rule written as
 * "allow only if a >= b" refuses by itself what it cannot judge.
 */

/** The levels a power level event gives by name, with what each is when unset. */
export const DEFAULT_LEVELS = {
  users_default: 0,
  events_default: 0,
  state_default: 50,
  invite: 0,
  kick: 50,
  ban: 50,
  redact: 50,
} as const;

export type NamedLevel = keyof typeof DEFAULT_LEVELS;

/** The state that levels are read from: an `AuthState`, or what a client was shown of a room. */
export type PowerState = { find(type: string, stateKey: string): { sender: string; content: JsonObject } | undefined };

/** What `notifications.room`, and any other notification, asks for when unset. */
const DEFAULT_NOTIFICATION_LEVEL = 50;
/** What the room's creator may do while there is no power level event, before room version 12. */
const CREATOR_LEVEL_WITHOUT_POWER_LEVELS = 100;
/** An integer as text, as early implementations wrote it: `"50"`, `" +0050 "`. */
const INTEGER_TEXT = /^\s*[+-]?[0-9]+\s*$/;

/**
 * Reads one power level value as the room version reads it.
 *
 * Versions 1 to 9 accept integers written as text and truncate floats; from version 10 on only integers count.
 * Returns `undefined` for an absent value and `NaN` for one that is no level.
 *
 * https://spec.matrix.org/latest/rooms/v1/#mroompower_levels-events-accept-values-as-strings
 */
export function readPowerLevel(value: JsonValue | undefined, rules: RoomVersionRules): number | undefined {
  if (value === undefined) return undefined;
  const number = numberOf(value);
  if (rules.powerLevelValues === 'integer') return Number.isInteger(number) ? number : Number.NaN;
  if (number !== undefined) return Number.isFinite(number) ? Math.trunc(number) : Number.NaN;
  if (typeof value === 'string' && INTEGER_TEXT.test(value)) return Number(value.trim());
  return Number.NaN;
}

/**
 * The power of a user: infinite for a privileged creator, else what `users` or `users_default` say, else, while the room has
 * no power level event, 100 for its creator and 0 for everybody.
 *
 * https://spec.matrix.org/latest/client-server-api/#mroompower_levels
 */
export function powerLevelOf(userId: string, state: PowerState, rules: RoomVersionRules): number {
  const create = state.find('m.room.create', '');
  if (create !== undefined && isPrivilegedCreator(userId, create, rules)) return Number.POSITIVE_INFINITY;
  const powerLevels = state.find('m.room.power_levels', '');
  if (powerLevels === undefined) {
    const isCreator = create !== undefined && findRoomCreator(create, rules) === userId;
    return isCreator && !rules.privilegedCreators ? CREATOR_LEVEL_WITHOUT_POWER_LEVELS : DEFAULT_LEVELS.users_default;
  }
  return readEntry(powerLevels.content, 'users', userId, rules) ?? readNamedLevel(powerLevels.content, 'users_default', rules);
}

/** One of the levels a power level event gives by name (`invite`, `ban`, …), or its default. */
export function namedPowerLevel(name: NamedLevel, state: PowerState, rules: RoomVersionRules): number {
  return readNamedLevel(contentOf(state.find('m.room.power_levels', '')), name, rules);
}

/**
 * The level needed to send an event of this type: its entry in `events`, else `state_default` for a state event
 * (one with a `stateKey`) or `events_default`.
 *
 * https://spec.matrix.org/latest/server-server-api/#definitions
 */
export function requiredPowerLevel(
  { type, stateKey }: { type: string; stateKey?: string | undefined },
  state: PowerState,
  rules: RoomVersionRules,
): number {
  const content = contentOf(state.find('m.room.power_levels', ''));
  const named = stateKey === undefined ? 'events_default' : 'state_default';
  return readEntry(content, 'events', type, rules) ?? readNamedLevel(content, named, rules);
}

/**
 * The level a sender needs for a notification of this kind (`room` for `@room`) to reach everybody.
 *
 * https://spec.matrix.org/latest/client-server-api/#mroompower_levels (`notifications`)
 */
export function notificationPowerLevel(key: string, state: PowerState, rules: RoomVersionRules): number {
  const content = contentOf(state.find('m.room.power_levels', ''));
  return readEntry(content, 'notifications', key, rules) ?? DEFAULT_NOTIFICATION_LEVEL;
}

function contentOf(powerLevels: { content: JsonObject } | undefined): JsonObject {
  return powerLevels === undefined ? {} : powerLevels.content;
}

function readNamedLevel(content: JsonObject, name: NamedLevel, rules: RoomVersionRules): number {
  return readPowerLevel(readOwn(content, name), rules) ?? DEFAULT_LEVELS[name];
}

function readEntry(content: JsonObject, map: 'users' | 'events' | 'notifications', key: string, rules: RoomVersionRules) {
  const entries = readOwn(content, map);
  return isJsonObject(entries) ? readPowerLevel(readOwn(entries, key), rules) : undefined;
}
