import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyJoinedRoom, applyStrippedRoom } from '../rooms/apply-room-update.ts';
import { listMembers } from '../rooms/member-names.ts';
import { createRoomRecord } from '../rooms/room-record.ts';
import { summarizeRoom } from '../rooms/summarize-room.ts';
import { readSyncUpdate } from '../sync/sync-update.ts';
import { buildTimeline } from './build-timeline.ts';

const ROOM = '!room:example.org';
const ME = '@romeo:example.org';
const TYPES = [
  'm.room.message',
  'm.room.member',
  'm.room.power_levels',
  'm.room.create',
  'm.room.name',
  'm.room.encryption',
  'm.room.encrypted',
  'm.room.redaction',
  'm.room.tombstone',
  'm.reaction',
  'm.sticker',
  'm.poll.start',
];

const relation = fc.record({
  rel_type: fc.constantFrom('m.replace', 'm.annotation', 'm.thread', '__proto__'),
  event_id: fc.constantFrom('$0', '$1', '$2'),
  key: fc.anything(),
});
const content = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(
    fc.constantFrom('msgtype', 'body', 'url', 'file', 'info', 'm.new_content', 'membership', 'users', 'name', '__proto__', 'm.poll'),
    fc.jsonValue(),
  ),
  fc.record({ msgtype: fc.constantFrom('m.text', 'm.image', 'm.location'), body: fc.jsonValue(), 'm.relates_to': relation }),
);
const event = fc.record(
  {
    event_id: fc.constantFrom('$0', '$1', '$2', '$3'),
    type: fc.oneof(fc.constantFrom(...TYPES), fc.string()),
    sender: fc.constantFrom(ME, '@juliet:example.org', 'nobody', ''),
    origin_server_ts: fc.oneof(fc.integer(), fc.constant(Number.POSITIVE_INFINITY), fc.constant('soon')),
    state_key: fc.oneof(fc.constantFrom('', ME, '__proto__'), fc.jsonValue()),
    content,
    unsigned: fc.jsonValue(),
    redacts: fc.jsonValue(),
  },
  { requiredKeys: ['event_id', 'type', 'sender'] },
);
const section = fc.oneof(
  fc.jsonValue(),
  fc.record({ events: fc.oneof(fc.array(event, { maxLength: 8 }), fc.jsonValue()), limited: fc.jsonValue() }),
);

test('whatever a homeserver sends, a client shows something and goes on', () => {
  fc.assert(
    fc.property(section, section, section, fc.jsonValue(), (timeline, state, ephemeral, anything) => {
      const room = { timeline, state, ephemeral, account_data: ephemeral, summary: anything, unread_notifications: anything };
      const rooms = { join: { [ROOM]: room }, invite: { [ROOM]: { invite_state: state } }, leave: anything };
      const update = readSyncUpdate({ next_batch: 's1', rooms, to_device: anything, device_lists: anything, presence: timeline });
      const record = createRoomRecord(ROOM, 'join');
      const joined = update.joined.get(ROOM);
      if (joined !== undefined)
        applyJoinedRoom(
          record,
          joined,
          joined.timeline.map((entry) => ({ event: entry })),
          ME,
        );
      const invited = createRoomRecord(ROOM, 'invite');
      applyStrippedRoom(invited, update.invited.get(ROOM) ?? [], 'invite', 0);

      for (const known of [record, invited]) {
        const shown = { record: known, ownUserId: ME, outgoing: [] };
        summarizeRoom({ ...shown, direct: { [ME]: 1 }, pushRules: { global: { override: [anything as never] } } });
        listMembers(known);
        const items = buildTimeline({
          ...shown,
          uploadProgress: new Map(),
          extraEvents: new Map(),
          echoKeys: new Map(),
          readMarkerEventId: '$1',
        });
        expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
      }
    }),
    { numRuns: 500 },
  );
});
