import { expect, test } from 'vitest';
import type { JsonObject } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import { applyJoinedRoom } from '../rooms/apply-room-update.ts';
import { createRoomRecord, type RoomRecord } from '../rooms/room-record.ts';
import type { OutgoingItem } from '../send/outgoing-item.ts';
import { readSyncUpdate } from '../sync/sync-update.ts';
import { buildTimeline, type TimelineInput } from './build-timeline.ts';
import { reuseUnchanged } from './reuse-unchanged.ts';

const ROMEO = '@romeo:example.org';
const JULIET = '@juliet:example.org';
let clockMs = 1_000;

function event(sender: string, type: string, content: JsonObject, more: Partial<RoomEvent> = {}): RoomEvent {
  clockMs += 1_000;
  return { event_id: `$${clockMs}`, type, sender, content, origin_server_ts: clockMs, ...more };
}

function text(sender: string, body: string, more: JsonObject = {}): RoomEvent {
  return event(sender, 'm.room.message', { msgtype: 'm.text', body, ...more });
}

function member(userId: string, displayname: string): RoomEvent {
  return event(userId, 'm.room.member', { membership: 'join', displayname }, { state_key: userId });
}

/** Syncs events into a room as a server would send them. */
function syncInto(record: RoomRecord, timeline: readonly RoomEvent[], more: JsonObject = {}): void {
  const room = { timeline: { events: timeline as unknown as JsonObject[], prev_batch: 't1' }, ...more };
  const update = readSyncUpdate({ next_batch: 's1', rooms: { join: { [record.roomId]: room } } }).joined.get(record.roomId);
  if (update === undefined) throw new Error('The sync has no such room');
  applyJoinedRoom(
    record,
    update,
    update.timeline.map((entry) => ({ event: entry })),
    ROMEO,
  );
}

function room(...events: RoomEvent[]): RoomRecord {
  const record = createRoomRecord('!room:example.org', 'join');
  syncInto(record, [member(ROMEO, 'Romeo'), member(JULIET, 'Juliet'), ...events]);
  return record;
}

function show(record: RoomRecord, more: Partial<TimelineInput> = {}) {
  const items = buildTimeline({
    record,
    ownUserId: ROMEO,
    outgoing: [],
    uploadProgress: new Map(),
    extraEvents: new Map(),
    echoKeys: new Map(),
    readMarkerEventId: undefined,
    ...more,
  });
  return items.filter(({ body }) => body.kind !== 'membership');
}

function echo(txnId: string, body: string, more: Partial<OutgoingItem> = {}): OutgoingItem {
  const content = { msgtype: 'm.text', body };
  const item = { txnId, roomId: '!room:example.org', type: 'm.room.message', content, createdAtMs: clockMs, state: 'waiting' as const };
  return { ...item, eventId: undefined, failure: undefined, media: undefined, ...more };
}

test('the newest edit by the sender shows, and nobody else can edit', () => {
  const original = text(JULIET, 'Good nihgt');
  const edit = (sender: string, body: string): RoomEvent =>
    text(sender, `* ${body}`, {
      'm.new_content': { msgtype: 'm.text', body },
      'm.relates_to': { rel_type: 'm.replace', event_id: original.event_id },
    });
  const [item, ...rest] = show(room(original, edit(JULIET, 'Good niht'), edit(JULIET, 'Good night'), edit(ROMEO, 'Good day')));

  expect(item).toMatchObject({ body: { kind: 'text', text: 'Good night' }, senderName: 'Juliet' });
  expect(item?.editedAtMs).toBeGreaterThan(original.origin_server_ts);
  expect(rest).toEqual([]);
});

test('reactions are grouped by key, each person counted once', () => {
  const message = text(JULIET, 'Parting is such sweet sorrow');
  const react = (sender: string, key: string): RoomEvent =>
    event(sender, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: message.event_id, key } });
  const own = react(ROMEO, '🌹');
  const [item] = show(room(message, react(JULIET, '🌹'), own, react(ROMEO, '🌹'), react(JULIET, '😢')));

  expect(item?.reactions).toEqual([
    { key: '🌹', senders: [JULIET, ROMEO], ownEventId: own.event_id, isOwn: true },
    { key: '😢', senders: [JULIET], ownEventId: undefined, isOwn: false },
  ]);
});

test('a redaction leaves a mark and takes the words away', () => {
  const message = text(JULIET, 'I love thee');
  const record = room(message, event(JULIET, 'm.room.redaction', { redacts: message.event_id, reason: 'too early' }));

  expect(show(record)).toMatchObject([{ body: { kind: 'redacted', redactedBy: JULIET, redactedByName: 'Juliet', reason: 'too early' } }]);
  expect(JSON.stringify(record.timeline.filter((stored) => stored.event.type === 'm.room.message'))).not.toContain('love');
});

test('an own message goes from sending to sent to delivered to read, and keeps its key', () => {
  const record = room(text(JULIET, 'Wherefore art thou?'));
  expect(show(record, { outgoing: [echo('txn1', 'Here')] }).at(-1)).toMatchObject({ key: 'txn1', eventId: undefined, delivery: 'sending' });
  const sent = echo('txn1', 'Here', { state: 'sent', eventId: '$here' });
  expect(show(record, { outgoing: [sent] }).at(-1)).toMatchObject({ key: 'txn1', eventId: '$here', delivery: 'sent' });

  const arrived = { ...text(ROMEO, 'Here'), event_id: '$here', unsigned: { transaction_id: 'txn1' } };
  syncInto(record, [arrived]);
  expect(show(record, { outgoing: [sent] }).filter(({ isOwn }) => isOwn)).toMatchObject([{ key: 'txn1', delivery: 'sent' }]);

  const ephemeral = (type: string, content: JsonObject): JsonObject => ({ ephemeral: { events: [{ type, content }] } });
  syncInto(record, [], ephemeral('chat.blinkchat.delivered', { $here: { [JULIET]: { ts: 1 } } }));
  expect(show(record).at(-1)?.delivery).toBe('delivered');

  syncInto(record, [], ephemeral('m.receipt', { $here: { 'm.read': { [JULIET]: { ts: 2 } } } }));
  expect(show(record).at(-1)).toMatchObject({ delivery: 'read', readBy: [{ userId: JULIET, displayName: 'Juliet' }] });
});

test('who answers has read what they answer', () => {
  const record = room(text(ROMEO, 'Shall I hear more?'), text(JULIET, 'Tis but thy name that is my enemy'));
  expect(show(record)[0]?.delivery).toBe('read');
});

test('a reply shows what it answers, without the quote in its text', () => {
  const question = text(JULIET, 'What is in a name?');
  const reply = text(ROMEO, '> <@juliet> What is in a name?\n\nNothing', {
    'm.relates_to': { 'm.in_reply_to': { event_id: question.event_id } },
  });
  expect(show(room(question, reply))[1]).toMatchObject({
    body: { kind: 'text', text: 'Nothing' },
    replyTo: { eventId: question.event_id, senderName: 'Juliet', text: 'What is in a name?' },
  });
});

test('a message in the clear is marked in an encrypted room', () => {
  const before = text(JULIET, 'before');
  const encryption = event(ROMEO, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }, { state_key: '' });
  const items = show(room(before, encryption, text(JULIET, 'after')));
  expect(items.filter(({ body }) => body.kind === 'text').map(({ trust }) => trust.shield)).toEqual(['none', 'red']);
});

test('an item that did not change stays the same object', () => {
  const record = room(text(JULIET, 'one'));
  const before = show(record);
  syncInto(record, [text(JULIET, 'two')]);
  const after = reuseUnchanged(before, show(record));
  expect(after).toHaveLength(2);
  expect(after[0]).toBe(before[0]);
});

test('two people of the same name are told apart', () => {
  const record = room(text(JULIET, 'I am Juliet'));
  syncInto(record, [member('@nurse:example.org', 'Juliet')]);
  expect(show(record)[0]?.senderName).toBe(`Juliet (${JULIET})`);
});

test('a sync with a gap begins the timeline anew, where it can be continued', () => {
  const record = room(text(JULIET, 'long ago'));
  syncInto(record, [text(JULIET, 'now')], {
    timeline: { limited: true, prev_batch: 't9', events: [text(JULIET, 'now') as unknown as JsonObject] },
  });
  expect(show(record).map(({ body }) => (body.kind === 'text' ? body.text : ''))).toEqual(['now']);
  expect(record.prevBatch).toBe('t9');
});
