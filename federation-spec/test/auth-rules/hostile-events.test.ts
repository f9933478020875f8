import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import { checkAuthRules } from '../../src/auth-rules/check-auth-rules.ts';
import type { JsonObject, Pdu } from '../../src/events/event.ts';
import { ROOM_VERSIONS } from '../../src/room-versions/room-versions.ts';
import { ALICE, BOB, CAROL, createTestRoom, EVE, joinOf, membershipBy } from '../kit/test-room.ts';

const TYPES = ['create', 'member', 'power_levels', 'join_rules', 'third_party_invite', 'aliases', 'redaction', 'topic'].map(
  (name) => `m.room.${name}`,
);
const USERS = [ALICE, BOB, CAROL, EVE, '@x', ''];
const KEYS = [
  'membership',
  'join_rule',
  'users',
  'events',
  'notifications',
  'ban',
  'invite',
  'third_party_invite',
  'signed',
  'mxid',
  'token',
  'signatures',
];
const MORE_KEYS = [
  'public_key',
  'public_keys',
  'join_authorised_via_users_server',
  'additional_creators',
  'creator',
  'room_version',
  'm.federate',
  '__proto__',
];

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, 50, -1, 1e300, '', '50', 'join', 'invite', 'ban', 'knock', 'leave', 'public', ...USERS),
  fc.string(),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS, ...MORE_KEYS, ...USERS), tie('json'), { maxKeys: 5 }),
  ),
}));
const content = fc.dictionary(fc.constantFrom(...KEYS, ...MORE_KEYS), json, { maxKeys: 6 }) as fc.Arbitrary<JsonObject>;
const draft = fc.record({
  type: fc.constantFrom(...TYPES),
  sender: fc.constantFrom(...USERS),
  stateKey: fc.constantFrom('', 'a.test', ...USERS),
  content,
});

test.each(ROOM_VERSIONS)('version %s gives every event a verdict, whatever its content and the state before it', (version) => {
  fc.assert(
    fc.property(fc.array(draft, { maxLength: 4 }), draft, (before, last) => {
      const room = createTestRoom(version);
      let state = room.sendAll(room.begin(), [joinOf(BOB), membershipBy(BOB, EVE, 'ban')]).at(-1)?.state ?? new Map();
      for (const one of before) state = room.send(state, one).state;
      const { event } = room.send(state, last);
      const events = [...state.values()].map((eventId) => room.findEvent(eventId)).filter((found): found is Pdu => found !== undefined);
      const verdict = checkAuthRules(event, createAuthState(events), room.rules);
      expect(typeof verdict.allowed).toBe('boolean');
      if (!verdict.allowed) expect(verdict.reason).not.toBe('');
    }),
    { numRuns: 150 },
  );
});
