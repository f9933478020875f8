import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';

const SAID = 130;

test('the event nearest to a time from before this server came is asked of others, and its surroundings can be read', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const said: string[] = [];
  for (let index = 0; index < SAID; index += 1) said.push(await romeo.send(roomId, `word ${index}`));
  const sought = said[10] ?? '';
  const { origin_server_ts: time } = await romeo.call('GET', `/_matrix/client/v3/rooms/${roomId}/event/${encodeURIComponent(sought)}`);
  const path = (ts: number, dir: string) => `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`;
  await juliet.join(roomId, { via: [servers.at(0).name] });

  for (const dir of ['f', 'b']) {
    const expected = await romeo.call('GET', path(Number(time), dir));
    expect(await juliet.call('GET', path(Number(time), dir))).toEqual(expected);
    const id = encodeURIComponent(String(expected['event_id']));
    const context = await juliet.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/context/${id}`);
    expect((context['events_before'] as unknown[]).length).toBeGreaterThan(0);
  }
  expect((await juliet.attempt('GET', path(1, 'b'))).status).toBe(404);
});
