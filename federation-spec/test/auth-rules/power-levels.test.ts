import { describe, expect, test } from 'vitest';
import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import { checkRedaction } from '../../src/auth-rules/check-redaction.ts';
import {
  namedPowerLevel,
  notificationPowerLevel,
  powerLevelOf,
  readPowerLevel,
  requiredPowerLevel,
} from '../../src/auth-rules/power-levels.ts';
import { exactNumber } from '../../src/canonical-json/exact-number.ts';
import type { JsonObject, JsonValue } from '../../src/events/event.ts';
import { roomVersionRules } from '../../src/room-versions/room-versions.ts';
import { ALICE, BOB, CAROL, createTestRoom, DAVE, joinOf, powerLevelsBy } from '../kit/test-room.ts';

function rulesOf(version: string) {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`no room version ${version}`);
  return rules;
}

function stateWith(version: string, content?: JsonObject, create: JsonObject = {}) {
  const room = createTestRoom(version);
  let state = room.sendAll(room.begin({ create }), [joinOf(BOB)]).at(-1)?.state ?? new Map();
  if (content === undefined) state.delete('m.room.power_levels\u0000');
  else state = room.send(state, powerLevelsBy(ALICE, content)).state;
  const events = [...state.values()].map((eventId) => room.findEvent(eventId)).filter((event) => event !== undefined);
  return { state: createAuthState(events), rules: room.rules, room };
}

describe('a power level value', () => {
  test.each<[string, JsonValue | undefined, number | undefined]>([
    ['10', 50, 50],
    ['10', '50', Number.NaN],
    ['10', 50.5, Number.NaN],
    ['10', null, Number.NaN],
    ['10', undefined, undefined],
    ['9', '50', 50],
    ['9', ' -0050 ', -50],
    ['9', '+5', 5],
    ['9', '', Number.NaN],
    ['9', '5_0', Number.NaN],
    ['9', '0x10', Number.NaN],
    ['9', '1e2', Number.NaN],
    ['9', true, Number.NaN],
    ['5', 50.57, 50],
    ['5', -1.5, -1],
  ])('in version %s %j reads as %j', (version, value, expected) => {
    expect(readPowerLevel(value, rulesOf(version))).toBe(expected);
  });

  test('a number kept as it was written reads as that number', () => {
    expect(readPowerLevel(exactNumber('5.114698E4'), rulesOf('5'))).toBe(51_146);
    expect(readPowerLevel(exactNumber('50.0'), rulesOf('1'))).toBe(50);
    expect(readPowerLevel(exactNumber('1e999'), rulesOf('1'))).toBeNaN();
  });
});

describe('the power of a user', () => {
  test('without power levels is 100 for the creator and 0 for others, before version 12', () => {
    const { state, rules } = stateWith('11');
    expect([ALICE, BOB].map((userId) => powerLevelOf(userId, state, rules))).toEqual([100, 0]);
  });

  test('is what users say, else users_default', () => {
    const { state, rules } = stateWith('11', { users: { [BOB]: 7 }, users_default: 3 });
    expect([ALICE, BOB, CAROL].map((userId) => powerLevelOf(userId, state, rules))).toEqual([3, 7, 3]);
  });

  test('is infinite for the creators of a version 12 room, with and without power levels', () => {
    const create = { additional_creators: [CAROL] };
    for (const { state, rules } of [stateWith('12', { users: { [BOB]: 7 } }, create), stateWith('12', undefined, create)]) {
      expect(powerLevelOf(ALICE, state, rules)).toBe(Number.POSITIVE_INFINITY);
      expect(powerLevelOf(CAROL, state, rules)).toBe(Number.POSITIVE_INFINITY);
      expect(powerLevelOf(DAVE, state, rules)).toBe(0);
    }
  });

  test('does not come from what every object inherits', () => {
    const { state, rules } = stateWith('9', { users: {}, events: {} });
    expect(powerLevelOf('constructor', state, rules)).toBe(0);
    expect(requiredPowerLevel({ type: '__proto__' }, state, rules)).toBe(0);
    expect(notificationPowerLevel('toString', state, rules)).toBe(50);
  });
});

test('levels that are unset have their defaults', () => {
  const { state, rules } = stateWith('11');
  expect((['invite', 'kick', 'ban', 'redact'] as const).map((name) => namedPowerLevel(name, state, rules))).toEqual([0, 50, 50, 50]);
  expect(requiredPowerLevel({ type: 'm.room.topic', stateKey: '' }, state, rules)).toBe(50);
  expect(requiredPowerLevel({ type: 'm.room.topic' }, state, rules)).toBe(0);
});

describe('a redaction is carried out', () => {
  const { state, rules, room } = stateWith('11', { users: { [ALICE]: 50, [BOB]: 49 } });
  const redactionBy = (sender: string) => room.send(new Map(), { type: 'm.room.redaction', sender, content: { redacts: '$x' } }).event;
  const messageBy = (sender: string) => room.send(new Map(), { type: 'm.room.message', sender }).event;

  test('by the redact level', () => {
    expect(checkRedaction(redactionBy(ALICE), messageBy(CAROL), state, rules)).toEqual({ allowed: true });
    expect(checkRedaction(redactionBy(BOB), messageBy(CAROL), state, rules)).toMatchObject({ allowed: false });
  });

  test('on events of one’s own server', () => {
    expect(checkRedaction(redactionBy('@other:c.test'), messageBy(CAROL), state, rules)).toEqual({ allowed: true });
  });
});
