import { isJsonObject, type JsonObject, type JsonValue, type Pdu } from '../events/event.ts';
import { parseUserId } from '../identifiers/user-id.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import type { AuthState } from './auth-state.ts';
import { DEFAULT_LEVELS, powerLevelOf, readPowerLevel } from './power-levels.ts';
import { readOwn } from './read-own.ts';
import { listPrivilegedCreators } from './room-creators.ts';

const NAMED_LEVELS = Object.keys(DEFAULT_LEVELS);

/**
 * Rule 10 (9 from version 6 to 11): the content is well formed, and its sender raises nothing above and lowers nothing from
 * above their own power level.
 *
 * https://spec.matrix.org/latest/rooms/v12/#authorisation-rules, https://spec.matrix.org/latest/rooms/v1/#authorisation-rules
 */
export function checkPowerLevels(event: Pdu, create: Pdu, state: AuthState, rules: RoomVersionRules): Verdict {
  // 10.1–10.4 The form.
  const form = checkPowerLevelForm(event.content, create, rules);
  if (!form.allowed) return form;

  // 10.5 The first levels of a room are free.
  const current = state.find('m.room.power_levels', '');
  if (current === undefined) return allow();

  // 10.6–10.10 The changes.
  const senderLevel = powerLevelOf(event.sender, state, rules);
  for (const change of listChanges(current.content, event.content, rules)) {
    const verdict = checkChange(change, event.sender, senderLevel);
    if (!verdict.allowed) return verdict;
  }
  return allow();
}

/** Whether the content is well formed in the room's version, whoever sends it. */
export function checkPowerLevelForm(content: JsonObject, create: Pdu, rules: RoomVersionRules): Verdict {
  if (rules.powerLevelValues === 'integer') {
    const verdict = checkIntegers(content, rules);
    if (!verdict.allowed) return verdict;
  }
  const users = readOwn(content, 'users');
  if (users === undefined) return allow();
  if (!isJsonObject(users)) return refuse('users is not an object.');
  for (const [userId, value] of Object.entries(users)) {
    if (parseUserId(userId) === undefined) return refuse(`users names ${JSON.stringify(userId)}, which is not a user id.`);
    if (Number.isNaN(readPowerLevel(value, rules))) return refuse(notALevel(`users[${JSON.stringify(userId)}]`, value));
  }
  const creator = listPrivilegedCreators(create, rules).find((userId) => Object.hasOwn(users, userId));
  return creator === undefined ? allow() : refuse(`users names ${creator}, a creator of the room, whose power is not set here.`);
}

/** From version 10 on no level may be text. */
function checkIntegers(content: JsonObject, rules: RoomVersionRules): Verdict {
  for (const name of NAMED_LEVELS) {
    const value = readOwn(content, name);
    if (Number.isNaN(readPowerLevel(value, rules))) return refuse(notALevel(name, value));
  }
  for (const map of ['events', 'notifications']) {
    const entries = readOwn(content, map);
    if (entries === undefined) continue;
    if (!isJsonObject(entries)) return refuse(`${map} is not an object.`);
    for (const [key, value] of Object.entries(entries)) {
      if (Number.isNaN(readPowerLevel(value, rules))) return refuse(notALevel(`${map}[${JSON.stringify(key)}]`, value));
    }
  }
  return allow();
}

function notALevel(where: string, value: JsonValue | undefined): string {
  return `${where} is ${JSON.stringify(value)}, which is not a power level in this room version.`;
}

/** One level that differs; `undefined` where it was or becomes unset. `user` is set for an entry of `users`. */
type Change = { where: string; before: number | undefined; after: number | undefined; user?: string };

function* listChanges(before: JsonObject, after: JsonObject, rules: RoomVersionRules): Generator<Change> {
  yield* listDifferences(before, after, NAMED_LEVELS, '', rules);
  const maps = rules.notificationLevelsChecked ? ['events', 'notifications', 'users'] : ['events', 'users'];
  for (const map of maps) {
    const entriesBefore = readEntries(before, map);
    const entriesAfter = readEntries(after, map);
    const keys = new Set([...Object.keys(entriesBefore), ...Object.keys(entriesAfter)]);
    for (const change of listDifferences(entriesBefore, entriesAfter, keys, `${map}.`, rules)) {
      yield map === 'users' ? { ...change, user: change.where.slice('users.'.length) } : change;
    }
  }
}

function* listDifferences(before: JsonObject, after: JsonObject, keys: Iterable<string>, prefix: string, rules: RoomVersionRules) {
  for (const key of keys) {
    const change: Change = {
      where: `${prefix}${key}`,
      before: readPowerLevel(readOwn(before, key), rules),
      after: readPowerLevel(readOwn(after, key), rules),
    };
    if (change.before !== change.after) yield change;
  }
}

function readEntries(content: JsonObject, map: string): JsonObject {
  const entries = readOwn(content, map);
  return isJsonObject(entries) ? entries : {};
}

function checkChange({ where, before, after, user }: Change, sender: string, senderLevel: number): Verdict {
  if (before !== undefined) {
    const isOthersEntry = user !== undefined && user !== sender;
    const mayTake = isOthersEntry ? before < senderLevel : before <= senderLevel;
    if (!mayTake) return refuse(`${sender} has power level ${senderLevel} and cannot change ${where}, which is ${before}.`);
  }
  if (after !== undefined && !(after <= senderLevel)) {
    return refuse(`${sender} has power level ${senderLevel} and cannot set ${where} to ${after}.`);
  }
  return allow();
}
