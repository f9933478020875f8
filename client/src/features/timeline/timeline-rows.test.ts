import { expect, test } from 'vitest';
import type { TimelineItem } from '../../matrix/timeline/timeline-item.ts';
import { layOutTimeline, type TimelineRow } from './timeline-rows.ts';

const NOON = new Date(2026, 2, 3, 12).getTime();
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function item(key: string, change: Partial<TimelineItem>): TimelineItem {
  return {
    key,
    eventId: `$${key}`,
    roomId: '!balcony:verona.test',
    sender: '@romeo:verona.test',
    senderName: 'Romeo',
    senderAvatarUrl: undefined,
    isOwn: false,
    timestampMs: NOON,
    body: { kind: 'text', text: key, html: undefined },
    delivery: undefined,
    failure: undefined,
    replyTo: undefined,
    threadRootId: undefined,
    threadReplyCount: 0,
    editedAtMs: undefined,
    reactions: [],
    readBy: [],
    isReadMarker: false,
    trust: { shield: 'none' },
    isHighlight: false,
    can: { reply: true, react: true, edit: false, redact: false },
    ...change,
  };
}

const joined = (key: string, atMs = NOON): TimelineItem =>
  item(key, {
    timestampMs: atMs,
    body: {
      kind: 'membership',
      userId: '@romeo:verona.test',
      displayName: key,
      change: 'joined',
      membership: 'join',
      previousDisplayName: undefined,
      reason: undefined,
    },
  });

const describe = (shown: TimelineItem) => (shown.body.kind === 'membership' ? `${shown.body.displayName} joined` : undefined);
const kinds = (rows: TimelineRow[]) => rows.map((row) => row.kind);

test('messages of one person within five minutes stand together, a later one begins anew', () => {
  const rows = layOutTimeline(
    [item('a', {}), item('b', { timestampMs: NOON + MINUTE_MS }), item('c', { timestampMs: NOON + 10 * MINUTE_MS })],
    false,
    describe,
  );
  const messages = rows.filter((row) => row.kind === 'message');
  expect(messages.map((row) => [row.startsGroup, row.endsGroup])).toEqual([
    [true, false],
    [false, true],
    [true, true],
  ]);
});

test('another sender begins a group', () => {
  const rows = layOutTimeline([item('a', {}), item('b', { sender: '@juliet:capulet.test' })], false, describe);
  expect(rows.filter((row) => row.kind === 'message').every((row) => row.startsGroup && row.endsGroup)).toBe(true);
});

test('each day has its separator, before its first message', () => {
  const rows = layOutTimeline([item('a', {}), item('b', { timestampMs: NOON + DAY_MS })], true, describe);
  expect(kinds(rows)).toEqual(['top', 'day', 'message', 'day', 'message']);
});

test('the unread line stands below the read marker, and never above a message of our own', () => {
  expect(kinds(layOutTimeline([item('a', { isReadMarker: true }), item('b', {})], false, describe))).toEqual([
    'top',
    'day',
    'message',
    'unread',
    'message',
  ]);
  expect(kinds(layOutTimeline([item('a', { isReadMarker: true }), item('b', { isOwn: true })], false, describe))).not.toContain('unread');
  expect(kinds(layOutTimeline([item('a', { isReadMarker: true })], false, describe))).not.toContain('unread');
});

test('changes of the room in a row become one row, and those without words vanish', () => {
  const hidden = item('hidden', { body: { kind: 'state', type: 'com.example.hidden', stateKey: '', content: {}, previous: undefined } });
  const rows = layOutTimeline([joined('Romeo'), hidden, joined('Juliet'), item('a', {})], false, describe);
  expect(kinds(rows)).toEqual(['top', 'day', 'events', 'message']);
  expect(rows[2]).toMatchObject({ lines: [{ text: 'Romeo joined' }, { text: 'Juliet joined' }] });
});
