import { describe, expect, test } from 'vitest';
import { type AuthEvent, checkAuthEvents } from '../../src/auth-rules/check-auth-events.ts';
import { selectAuthEvents } from '../../src/auth-rules/select-auth-events.ts';
import { listAuthEventIds } from '../../src/events/edges.ts';
import {
  ALICE,
  BOB,
  CAROL,
  createTestRoom,
  type Draft,
  joinOf,
  membershipBy,
  type Sent,
  type State,
  type TestRoom,
  topicBy,
} from '../kit/test-room.ts';

function begin(version: string): { room: TestRoom; state: State } {
  const room = createTestRoom(version);
  const state = room.sendAll(room.begin(), [joinOf(BOB)]).at(-1)?.state ?? new Map();
  return { room, state };
}

function check(room: TestRoom, { event }: Sent, change: (authEvents: AuthEvent[]) => AuthEvent[] = (same) => same) {
  const authEvents = listAuthEventIds(event).map((eventId) => ({ event: room.findEvent(eventId) ?? event, isRejected: false }));
  return checkAuthEvents(event, change(authEvents), room.rules);
}

describe.each(['1', '11', '12'])('in room version %s', (version) => {
  test('the selected auth events are in order', () => {
    const { room, state } = begin(version);
    expect(check(room, room.send(state, topicBy(BOB, 'x')))).toEqual({ allowed: true });
    expect(check(room, room.send(state, joinOf(CAROL)))).toEqual({ allowed: true });
  });

  test.each<[string, (room: TestRoom, state: State, authEvents: AuthEvent[]) => AuthEvent[], RegExp]>([
    [
      'two of one type and state key',
      (_room, _state, [first, ...others]) => [first, first, ...others].filter((one) => one !== undefined),
      /Two auth events/,
    ],
    [
      'one that does not belong',
      (room, state, all) => [...all, { event: room.send(state, topicBy(ALICE, 'y')).event, isRejected: false }],
      /does not belong/,
    ],
    [
      'one that is no state',
      (room, state, all) => [...all, { event: room.send(state, { type: 'm.room.message', sender: BOB }).event, isRejected: false }],
      /no state event/,
    ],
    ['one that was rejected', (_room, _state, all) => all.map((one) => ({ ...one, isRejected: true })), /was rejected/],
    [
      'one of another room',
      (_room, _state, all) => all.map(({ event }) => ({ event: { ...event, room_id: '!other:a.test' }, isRejected: false })),
      /another room/,
    ],
  ])('%s is refused', (_, change, reason) => {
    const { room, state } = begin(version);
    const topic = room.send(state, topicBy(BOB, 'x'));
    expect(check(room, topic, (all) => change(room, state, all))).toEqual({ allowed: false, reason: expect.stringMatching(reason) });
  });
});

test('up to version 11 the create event is among them', () => {
  const { room, state } = begin('11');
  const topic = room.send(state, topicBy(BOB, 'x'));
  expect(check(room, topic, (all) => all.filter(({ event }) => event.type !== 'm.room.create'))).toMatchObject({ allowed: false });
});

test('in version 12 the create event is not among them: the room id says it', () => {
  const { room, state } = begin('12');
  const topic = room.send(state, topicBy(BOB, 'x'));
  const create = [...room.events.values()][0];
  if (create === undefined) throw new Error('the room has no create event');
  expect(check(room, topic, (all) => [...all, { event: create, isRejected: false }])).toMatchObject({ allowed: false });
});

describe('the selection', () => {
  const select = (version: string, draft: Draft): string[] =>
    selectAuthEvents({ content: {}, ...draft }, createTestRoom(version).rules).map(({ type, stateKey }) =>
      `${type.replace('m.room.', '')} ${stateKey}`.trim(),
    );

  test.each<[string, string, Draft, string[]]>([
    ['a message', '11', { type: 'm.room.message', sender: BOB }, ['create', 'power_levels', `member ${BOB}`]],
    ['a message in version 12', '12', { type: 'm.room.message', sender: BOB }, ['power_levels', `member ${BOB}`]],
    ['a join', '11', joinOf(BOB), ['create', 'power_levels', `member ${BOB}`, 'join_rules']],
    ['a knock', '11', membershipBy(BOB, BOB, 'knock'), ['create', 'power_levels', `member ${BOB}`, 'join_rules']],
    [
      'an invitation',
      '11',
      membershipBy(ALICE, BOB, 'invite'),
      ['create', 'power_levels', `member ${ALICE}`, `member ${BOB}`, 'join_rules'],
    ],
    ['a ban', '11', membershipBy(ALICE, BOB, 'ban'), ['create', 'power_levels', `member ${ALICE}`, `member ${BOB}`]],
    [
      'a join somebody vouches for',
      '8',
      membershipBy(BOB, BOB, 'join', { join_authorised_via_users_server: ALICE }),
      ['create', 'power_levels', `member ${BOB}`, `member ${ALICE}`, 'join_rules'],
    ],
    [
      'the same before version 8',
      '7',
      membershipBy(BOB, BOB, 'join', { join_authorised_via_users_server: ALICE }),
      ['create', 'power_levels', `member ${BOB}`, 'join_rules'],
    ],
    [
      'a third-party invite',
      '11',
      membershipBy(ALICE, BOB, 'invite', { third_party_invite: { signed: { token: 'abc' } } }),
      ['create', 'power_levels', `member ${ALICE}`, `member ${BOB}`, 'join_rules', 'third_party_invite abc'],
    ],
    ['the create event', '11', { type: 'm.room.create', sender: ALICE, stateKey: '' }, []],
  ])('for %s (version %s)', (_, version, draft, expected) => {
    expect(select(version, draft)).toEqual(expected);
  });
});
