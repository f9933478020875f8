import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';

test('the event nearest to a time is found on either side, among what the reader may see', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const stranger = await server.user('paris');
  const roomId = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
  });
  const first = await romeo.send(roomId, 'one');
  await juliet.join(roomId);
  const last = await romeo.send(roomId, 'two');
  const events = await romeo.messages(roomId);
  const timeOf = (eventId: string) => events.find((event) => event.event_id === eventId)?.origin_server_ts ?? 0;
  const path = (ts: number, dir: string) => `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`;

  expect(await romeo.call('GET', path(timeOf(last) + 60_000, 'b'))).toEqual({ event_id: last, origin_server_ts: timeOf(last) });
  expect((await romeo.attempt('GET', path(timeOf(last) + 60_000, 'f'))).status).toBe(404);
  const seen = (await juliet.call('GET', path(timeOf(first), 'f')))['event_id'];
  const visible = (await juliet.messages(roomId)).map((event) => event.event_id);
  expect(visible).toContain(seen);
  expect(seen).not.toBe(first);
  expect((await stranger.attempt('GET', path(timeOf(first), 'f'))).status).toBe(403);
});
