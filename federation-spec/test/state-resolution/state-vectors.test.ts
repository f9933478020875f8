import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Pdu } from '../../src/events/event.ts';
import { eventIdOf } from '../../src/events/event-id.ts';
import { stateKeyOf } from '../../src/events/state-key.ts';
import { roomVersionRules } from '../../src/room-versions/room-versions.ts';
import { resolveState } from '../../src/state-resolution/resolve-state.ts';

type Vector = {
  shows: string;
  events: Record<string, Pdu>;
  rejected?: string[];
  state_sets: string[][];
  resolved: { type: string; state_key: string; event_id: string | null }[];
};

const FOLDER = new URL('../../vectors/state-resolution/', import.meta.url);

describe.each(readdirSync(FOLDER))('%s', (file) => {
  const { room_version: version, cases }: { room_version: string; cases: Vector[] } = JSON.parse(
    readFileSync(new URL(file, FOLDER), 'utf8'),
  );
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`no rules for version ${version}`);

  test.each(cases)('$shows', ({ events, rejected = [], state_sets, resolved }) => {
    for (const [eventId, event] of Object.entries(events)) expect(eventIdOf(event, rules)).toBe(eventId);
    const stateSets = state_sets.map((eventIds) => new Map(eventIds.map((eventId) => [keyOf(events[eventId]), eventId])));
    const lookups = { findEvent: (eventId: string) => events[eventId], isRejected: (eventId: string) => rejected.includes(eventId) };

    for (const sets of [stateSets, stateSets.toReversed(), [...stateSets, ...stateSets]]) {
      const state = resolveState({ rules, stateSets: sets, ...lookups });
      for (const { type, state_key, event_id } of resolved) {
        expect({ type, state_key, event_id: state.get(stateKeyOf(type, state_key)) ?? null }).toEqual({ type, state_key, event_id });
      }
    }
  });
});

function keyOf(event: Pdu | undefined): string {
  if (event?.state_key === undefined) throw new Error('a state set holds an event that is no state');
  return stateKeyOf(event.type, event.state_key);
}
