import fc from 'fast-check';
import type { JsonObject, JsonValue, PduDraft } from '../../src/events/event.ts';
import { ROOM_VERSIONS, type RoomVersionRules, roomVersionRules } from '../../src/room-versions/room-versions.ts';

/** Names that have a meaning somewhere: for rules, or for JavaScript. */
const TELLING_KEYS = [
  'membership',
  'creator',
  'users',
  'redacts',
  'third_party_invite',
  'signed',
  '__proto__',
  'constructor',
  'toString',
  '',
];

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
const key = fc.oneof(fc.constantFrom(...TELLING_KEYS), text);

/** Canonical JSON values: no floats, no half surrogate pairs, with awkward keys. */
export const canonicalValue: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<JsonValue>(null, true, false, '', 0, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER),
    fc.maxSafeInteger().map((integer) => (integer === 0 ? 0 : integer)),
    text,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map(ownProperties),
  ),
})).value;

export const canonicalObject: fc.Arbitrary<JsonObject> = fc.array(fc.tuple(key, canonicalValue), { maxLength: 8 }).map(ownProperties);

export const anyRules: fc.Arbitrary<RoomVersionRules> = fc.constantFrom(
  ...ROOM_VERSIONS.map((version) => roomVersionRules(version)).filter((rules) => rules !== undefined),
);

const TYPES = [
  'm.room.create',
  'm.room.member',
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.aliases',
  'm.room.redaction',
  'm.room.message',
];

/** Events with any content and any further keys. */
export const anyEvent: fc.Arbitrary<PduDraft> = fc
  .record({
    further: canonicalObject,
    type: fc.oneof(fc.constantFrom(...TYPES, 'constructor', '__proto__'), text),
    content: canonicalObject,
    stateKey: fc.option(text, { nil: undefined }),
    depth: fc.nat(),
    ts: fc.nat(),
  })
  .map(({ further, type, content, stateKey, depth, ts }) => ({
    ...further,
    event_id: '$0:a.test',
    room_id: '!r:a.test',
    type,
    sender: '@u:a.test',
    ...(stateKey === undefined ? {} : { state_key: stateKey }),
    content,
    prev_events: [],
    auth_events: [],
    depth,
    origin_server_ts: ts,
    unsigned: { age: 1 },
    signatures: {},
  }));

/** As a careful parser would: `__proto__` becomes a property like others. */
function ownProperties(entries: readonly (readonly [string, JsonValue])[]): JsonObject {
  return Object.fromEntries(entries);
}
