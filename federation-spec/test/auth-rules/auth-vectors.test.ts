import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import { checkAuthRules } from '../../src/auth-rules/check-auth-rules.ts';
import type { Pdu } from '../../src/events/event.ts';
import { ROOM_VERSIONS, roomVersionRules } from '../../src/room-versions/room-versions.ts';

type Vectors = { events: Record<string, Pdu>; cases: { shows: string; state: string[]; event: Pdu; allowed: boolean }[] };

function readVectors(version: string): Vectors {
  return JSON.parse(readFileSync(new URL(`../../vectors/auth-rules/v${version}.json`, import.meta.url), 'utf8'));
}

describe.each(ROOM_VERSIONS)('in room version %s', (version) => {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`no rules for version ${version}`);
  const { events, cases } = readVectors(version);

  test.each(cases)('$shows', ({ state, event, allowed }) => {
    const stateEvents = state.map((name) => events[name]).filter((found) => found !== undefined);
    expect(stateEvents).toHaveLength(state.length);
    const verdict = checkAuthRules(event, createAuthState(stateEvents), rules);
    expect(verdict).toEqual(allowed ? { allowed: true } : { allowed: false, reason: expect.stringMatching(/^[A-Za-z@$!].+\.$/) });
  });
});
