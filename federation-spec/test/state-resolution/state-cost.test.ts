import { expect, test } from 'vitest';
import { resolveState } from '../../src/state-resolution/resolve-state.ts';
import { resolveNaively } from '../kit/naive-resolution.ts';
import { ALICE, createTestRoom, joinOf, membershipBy, powerLevelsBy, type State, type TestRoom, topicBy } from '../kit/test-room.ts';

const EXTREMITIES = 20;

/** A public room of so many members, and branches that each send their own few state events onto it. */
function branchOut(version: string, members: number, conflictsPerBranch: number): { room: TestRoom; stateSets: State[] } {
  const room = createTestRoom(version);
  let base = room.begin();
  for (let n = 0; n < members; n += 1) {
    const { eventId, event } = room.send(base, joinOf(`@member${n}:m.test`));
    base = base.set(`m.room.member\u0000${event.state_key}`, eventId);
  }
  const stateSets = Array.from({ length: EXTREMITIES }, (_, branch) => {
    let state = room.send(base, topicBy(ALICE, `branch ${branch}`)).state;
    for (let n = 0; n < conflictsPerBranch; n += 1) state = room.send(state, joinOf(`@new${branch}-${n}:m.test`)).state;
    return state;
  });
  return { room, stateSets };
}

function count(room: TestRoom, stateSets: State[], resolve: typeof resolveNaively): { lookups: number; state: Map<string, string> } {
  let lookups = 0;
  const state = resolve(room.rules, stateSets, (eventId) => {
    lookups += 1;
    return room.findEvent(eventId);
  });
  return { lookups, state };
}

const resolveReally: typeof resolveNaively = (rules, stateSets, findEvent) => resolveState({ rules, stateSets, findEvent });

test.each(['11', '12'])('in version %s, 20 branches of a room of 5,000 members cost by their conflicts, not by the members', (version) => {
  const conflictsPerBranch = 5;
  const conflicted = EXTREMITIES * (conflictsPerBranch + 1);
  const small = branchOut(version, 50, conflictsPerBranch);
  const large = branchOut(version, 5_000, conflictsPerBranch);
  const smallCost = count(small.room, small.stateSets, resolveReally);
  const largeCost = count(large.room, large.stateSets, resolveReally);

  expect(largeCost.lookups).toBe(smallCost.lookups);
  expect(largeCost.lookups).toBeLessThan(2 * conflicted);
  expect(largeCost.state.size).toBe(5_000 + 5 + EXTREMITIES * conflictsPerBranch);

  const naive = count(small.room, small.stateSets, resolveNaively);
  expect([...smallCost.state].sort()).toEqual([...naive.state].sort());
  expect(naive.lookups / smallCost.lookups).toBeGreaterThan(50);
});

test.each(['11', '12'])('in version %s, twice the conflicted events cost twice the look-ups', (version) => {
  const [once, twice] = [125, 250].map((conflictsPerBranch) => {
    const { room, stateSets } = branchOut(version, 0, conflictsPerBranch);
    return count(room, stateSets, resolveReally).lookups;
  });
  expect(twice).toBeGreaterThanOrEqual(EXTREMITIES * 250);
  expect((twice ?? 0) / (once ?? 1)).toBeLessThan(2.1);
});

test.each(['2', '12'])(
  'in version %s, a chain of 20,000 power levels neither overflows the stack nor is walked once for each event',
  (version) => {
    const room = createTestRoom(version);
    let state = room.begin();
    const first = state;
    for (let n = 0; n < 20_000; n += 1) state = room.send(state, powerLevelsBy(ALICE, { users: {}, users_default: 0, ban: n % 50 })).state;
    const joined = room.send(state, joinOf('@late:m.test')).state;
    const stale = room.send(first, membershipBy('@early:m.test', '@early:m.test', 'join')).state;
    const { lookups } = count(room, [joined, stale], resolveReally);
    expect(lookups).toBeLessThan(21_000);
  },
);

test('event ids of version 1 and 2 that rest on each other in a ring do not hang resolution', () => {
  const room = createTestRoom('2');
  const base = room.begin();
  const one = room.send(base, { ...topicBy(ALICE, 'one'), authEvents: ['$6:a.test'] });
  const two = room.send(base, { ...topicBy(ALICE, 'two'), authEvents: ['$5:a.test'] });
  expect([one.eventId, two.eventId]).toEqual(['$5:a.test', '$6:a.test']);
  const levels = room.send(base, { ...powerLevelsBy(ALICE, { users: {} }), authEvents: ['$8:a.test'] });
  const others = room.send(base, { ...powerLevelsBy(ALICE, { users: {} }), authEvents: ['$7:a.test'] });
  const state = resolveReally(
    room.rules,
    [new Map([...one.state, ...levels.state]), new Map([...two.state, ...others.state])],
    room.findEvent,
  );
  expect(state.get('m.room.create\u0000')).toBe('$1:a.test');
});
