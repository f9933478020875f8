import type { JsonObject } from 'federation-spec/events/event.ts';
import { expect, test } from 'vitest';
import { collapseUpdates } from './collapse-updates.ts';

let position = 0;
function row(eduType: string, content: JsonObject) {
  position += 1;
  return { position, ordinal: 1, destination: 'b.org', eduType, content: JSON.stringify(content) };
}
const deviceList = (userId: string, deviceId: string) => row('m.device_list_update', { user_id: userId, device_id: deviceId });
const receipt = (roomId: string, userId: string, eventId: string, threadId?: string) =>
  row('m.receipt', {
    [roomId]: {
      'm.read': { [userId]: { event_ids: [eventId], data: { ts: 1, ...(threadId === undefined ? {} : { thread_id: threadId }) } } },
    },
  });

test('of device lists the newest update of each person stays', () => {
  const rows = [deviceList('@a:a.org', '1'), deviceList('@b:a.org', '1'), deviceList('@a:a.org', '2'), deviceList('@a:a.org', '1')];
  expect(collapseUpdates(rows)).toEqual({ gone: [rows[0], rows[2]], changed: [] });
});

test('of cross-signing keys the newest of each kind stays', () => {
  const key = (content: JsonObject) => row('m.signing_key_update', { user_id: '@a:a.org', ...content });
  const rows = [key({ master_key: { n: 1 } }), key({ self_signing_key: { n: 2 } }), key({ master_key: { n: 3 } })];
  expect(collapseUpdates(rows)).toEqual({ gone: [rows[0]], changed: [] });
});

test('receipts are put together, the newest of each person, room and thread', () => {
  const rows = [
    receipt('!x', '@a:a.org', '$1'),
    receipt('!x', '@a:a.org', '$2'),
    receipt('!x', '@b:a.org', '$1'),
    receipt('!y', '@a:a.org', '$3'),
    receipt('!x', '@a:a.org', '$t1', '$root'),
    receipt('!x', '@a:a.org', '$t2', '$root'),
  ];
  const { gone, changed } = collapseUpdates(rows);
  expect(gone).toEqual([rows[0], rows[1], rows[2], rows[4]]);
  const said = changed.map(({ position, content }) => [position, JSON.parse(content)]);
  const at = (eventId: string, data: object = { ts: 1 }) => ({ event_ids: [eventId], data });
  expect(said).toEqual([
    [
      rows[3]?.position,
      { '!x': { 'm.read': { '@a:a.org': at('$2'), '@b:a.org': at('$1') } }, '!y': { 'm.read': { '@a:a.org': at('$3') } } },
    ],
    [rows[5]?.position, { '!x': { 'm.read': { '@a:a.org': at('$t2', { ts: 1, thread_id: '$root' }) } } }],
  ]);
});

test('very many receipts stay within a bound; what is not known is left alone', () => {
  const receipts = Array.from({ length: 6_000 }, (_, index) => receipt(`!${index}`, '@a:a.org', `$${index}`));
  const other = row('org.example', { anything: true });
  const { gone, changed } = collapseUpdates([...receipts, other, row('org.example', { anything: true })]);
  expect(receipts.length - gone.length).toBe(50);
  expect(changed).toHaveLength(50);
  expect(Object.keys(JSON.parse(changed.at(-1)?.content ?? '{}'))).toContain('!5999');
  expect(gone).not.toContain(other);
});

test('what tells of deliveries is put together in its own form', () => {
  const delivered = (eventId: string) =>
    row('chat.blinkchat.delivered', { '!x': { '@a:a.org': { event_ids: [eventId], data: { ts: 1 } } } });
  const rows = [delivered('$1'), delivered('$2')];
  const { gone, changed } = collapseUpdates(rows);
  expect(gone).toEqual([rows[0]]);
  expect(changed).toEqual([rows[1]]);
});
