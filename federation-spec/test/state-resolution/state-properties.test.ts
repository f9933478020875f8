import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stateKeyOf } from '../../src/events/state-key.ts';
import { resolveState } from '../../src/state-resolution/resolve-state.ts';
import { resolveNaively } from '../kit/naive-resolution.ts';
import { type History, randomFaultyHistory, randomHistory } from '../kit/random-history.ts';
import type { State } from '../kit/test-room.ts';

function resolve({ room }: History, stateSets: State[]): Map<string, string> {
  return resolveState({ rules: room.rules, stateSets, findEvent: room.findEvent });
}

function sorted(state: ReadonlyMap<string, string>): [string, string][] {
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe.each(['1', '2', '11', '12'])('in room version %s', (version) => {
  test('the answer does not depend on the order of the states, of their entries, or on repeats', () => {
    fc.assert(
      fc.property(randomHistory(version), fc.infiniteStream(fc.nat()), (history, numbers) => {
        const shuffled = history.stateSets.map((state) => new Map([...state].sort(() => ((numbers.next().value ?? 0) % 2) * 2 - 1)));
        shuffled.sort(() => ((numbers.next().value ?? 0) % 2) * 2 - 1);
        const [first = new Map<string, string>()] = shuffled;
        expect(sorted(resolve(history, [...shuffled, first]))).toEqual(sorted(resolve(history, history.stateSets)));
      }),
    );
  });

  test('states that agree resolve to themselves', () => {
    fc.assert(
      fc.property(randomHistory(version), (history) => {
        for (const state of history.stateSets) expect(sorted(resolve(history, [state, new Map(state)]))).toEqual(sorted(state));
      }),
    );
  });

  test('every entry of the answer is an event of that type and state key', () => {
    fc.assert(
      fc.property(randomHistory(version), (history) => {
        const resolved = resolve(history, history.stateSets);
        for (const [key, eventId] of resolved) {
          const event = history.room.findEvent(eventId);
          expect(event === undefined ? undefined : stateKeyOf(event.type, event.state_key ?? '')).toBe(key);
        }
      }),
    );
  });
});

describe.each(['2', '11', '12'])('in room version %s, told histories with faults in them', (version) => {
  test('the answer is the one the specification comes to word for word', () => {
    fc.assert(
      fc.property(randomFaultyHistory(version), (history) => {
        const { room, stateSets } = history;
        expect(sorted(resolve(history, stateSets))).toEqual(sorted(resolveNaively(room.rules, stateSets, room.findEvent)));
      }),
      { numRuns: 500 },
    );
  });
});

/*
 * In general the algorithm is not associative, by its definition: resolving two of three states first can give another answer than
 * resolving all three. Where no branch takes anything from anybody, grouping must not matter.
 */
describe.each(['2', '11', '12'])('in room version %s, among branches of joins and topics', (version) => {
  test('the answer does not depend on how the states are grouped', () => {
    fc.assert(
      fc.property(randomHistory(version, { isPeaceful: true }), (history) => {
        const [first = new Map<string, string>(), second = new Map<string, string>(), ...others] = history.stateSets;
        const grouped = [resolve(history, [first, second]), ...others];
        expect(sorted(resolve(history, grouped))).toEqual(sorted(resolve(history, history.stateSets)));
      }),
      { numRuns: 1_000 },
    );
  });
});
