import * as fc from 'fast-check';
import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import { checkAuthRules } from '../../src/auth-rules/check-auth-rules.ts';
import { stateKeyOf } from '../../src/events/state-key.ts';
import {
  ALICE,
  BOB,
  CAROL,
  createTestRoom,
  DAVE,
  type Draft,
  joinOf,
  joinRuleBy,
  membershipBy,
  powerLevelsBy,
  type State,
  type TestRoom,
  topicBy,
} from './test-room.ts';

const USERS = [ALICE, BOB, CAROL, DAVE];
const user = fc.constantFrom(...USERS);
const level = fc.constantFrom(0, 50, 90);

type MakeDraft = (room: TestRoom) => Draft;

/** What takes nothing from anybody: joins, new display names, topics. */
const peacefulAttempt: fc.Arbitrary<MakeDraft> = fc.oneof(
  fc.tuple(user, fc.nat(9)).map(
    ([who, name]): MakeDraft =>
      () =>
        membershipBy(who, who, 'join', { displayname: String(name) }),
  ),
  fc.tuple(user, fc.nat(99)).map(
    ([who, text]): MakeDraft =>
      () =>
        topicBy(who, String(text)),
  ),
);

/** Something anybody might try; most of it is not allowed to most users. */
const attempt: fc.Arbitrary<MakeDraft> = fc.oneof(
  peacefulAttempt,
  fc.tuple(user, user).map(
    ([who, target]): MakeDraft =>
      () =>
        membershipBy(who, target, 'ban'),
  ),
  fc.tuple(user, user).map(
    ([who, target]): MakeDraft =>
      () =>
        membershipBy(who, target, 'leave'),
  ),
  fc.tuple(user, user).map(
    ([who, target]): MakeDraft =>
      () =>
        membershipBy(who, target, 'invite'),
  ),
  fc.tuple(user, fc.constantFrom('public', 'invite')).map(
    ([who, rule]): MakeDraft =>
      () =>
        joinRuleBy(who, rule),
  ),
  fc.tuple(user, level, level).map(
    ([who, bob, carol]): MakeDraft =>
      (room) =>
        powerLevelsBy(who, { users: { ...(room.rules.privilegedCreators ? {} : { [ALICE]: 100 }), [BOB]: bob, [CAROL]: carol } }),
  ),
);

export type History = { room: TestRoom; stateSets: State[] };

/**
 * A history in which some states are wrong: they hold an old event where a newer one belongs, as a faulty or hostile server may say.
 */
export function randomFaultyHistory(version: string): fc.Arbitrary<History> {
  const faults = fc.array(fc.record({ stateSet: fc.nat(), event: fc.nat() }), { maxLength: 4 });
  return fc.tuple(randomHistory(version), faults).map(([history, chosen]) => {
    const eventIds = [...history.room.events.keys()];
    for (const { stateSet, event } of chosen) {
      const eventId = eventIds[event % eventIds.length] ?? '';
      const old = history.room.findEvent(eventId);
      const state = history.stateSets[stateSet % history.stateSets.length];
      if (old?.state_key !== undefined && old.type !== 'm.room.create') state?.set(stateKeyOf(old.type, old.state_key), eventId);
    }
    return history;
  });
}

/**
 * A room in which several branches grow from one state, each by what the auth rules allow there. `originServerTs` collides often and
 * runs backwards, as clocks of several servers do.
 */
export function randomHistory(version: string, { isPeaceful = false } = {}): fc.Arbitrary<History> {
  const timed = fc.record({ make: isPeaceful ? peacefulAttempt : attempt, originServerTs: fc.integer({ min: 1, max: 20 }) });
  return fc.array(fc.array(timed, { maxLength: 8 }), { minLength: 2, maxLength: 5 }).map((branches) => {
    const room = createTestRoom(version);
    const base = room.sendAll(room.begin(), [joinOf(BOB), joinOf(CAROL)]).at(-1)?.state ?? new Map();
    const stateSets = branches.map((branch) => {
      let state = base;
      for (const { make, originServerTs } of branch) {
        const stateEvents = [...state.values()].map((eventId) => room.findEvent(eventId)).filter((event) => event !== undefined);
        const sent = room.send(state, { ...make(room), originServerTs, prevEvents: ['$previous'] });
        if (checkAuthRules(sent.event, createAuthState(stateEvents), room.rules).allowed) state = sent.state;
      }
      return state;
    });
    return { room, stateSets };
  });
}
