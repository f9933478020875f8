import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { ephemeralOf, inRoom, meet, waitForEphemeral } from './ephemeral-events.ts';

const typing = (roomId: string, userId: string) => inRoom(roomId, `typing/${userId}`);

test('who types is told at once, and who stops, by word or by time', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);

  await juliet.call('PUT', typing(roomId, juliet.id), { typing: true, timeout: 30_000 });
  await waitForEphemeral(romeo, roomId, 'm.typing', (content) => String(content['user_ids']) === juliet.id);
  expect(ephemeralOf(await romeo.call('GET', '/_matrix/client/v3/sync'), roomId)).toContainEqual({
    type: 'm.typing',
    content: { user_ids: [juliet.id] },
  });
  expect(ephemeralOf(await romeo.sync(), roomId)).toEqual([]);

  await juliet.call('PUT', typing(roomId, juliet.id), { typing: false });
  await waitForEphemeral(romeo, roomId, 'm.typing', (content) => String(content['user_ids']) === '');
  await juliet.call('PUT', typing(roomId, juliet.id), { typing: true, timeout: 50 });
  await waitForEphemeral(romeo, roomId, 'm.typing', (content) => String(content['user_ids']) === '');
});

test('nobody types for another, nor where they are not', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({});
  expect((await juliet.attempt('PUT', typing(roomId, juliet.id), { typing: true })).status).toBe(403);
  expect((await romeo.attempt('PUT', typing(roomId, juliet.id), { typing: true })).status).toBe(403);
});

test('after a restart nobody is left typing', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  await juliet.call('PUT', typing(roomId, juliet.id), { typing: true });
  await waitForEphemeral(romeo, roomId, 'm.typing', (content) => String(content['user_ids']) === juliet.id);
  await server.restart();
  await waitForEphemeral(romeo, roomId, 'm.typing', (content) => String(content['user_ids']) === '');
});

test('presence is told to those who share a room, and to nobody else', async () => {
  await using server = await startServer({ config: { presence: true } });
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const tybalt = await server.user('tybalt');
  await meet(romeo, juliet);
  await juliet.call('PUT', `/_matrix/client/v3/presence/${juliet.id}/status`, { presence: 'unavailable', status_msg: 'asleep' });

  const isAsleep = (answer: Record<string, unknown>) => JSON.stringify(answer['presence'] ?? {}).includes('asleep');
  let answer = await romeo.sync();
  while (!isAsleep(answer)) answer = await romeo.sync({ timeoutMs: 5_000 });
  expect(await romeo.call('GET', `/_matrix/client/v3/presence/${juliet.id}/status`)).toMatchObject({
    presence: 'unavailable',
    status_msg: 'asleep',
  });
  expect(isAsleep(await tybalt.sync())).toBe(false);
  expect((await tybalt.attempt('GET', `/_matrix/client/v3/presence/${juliet.id}/status`)).status).toBe(403);
});

test('with presence off nobody is told anything', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  await meet(romeo, juliet);
  await juliet.call('PUT', `/_matrix/client/v3/presence/${juliet.id}/status`, { presence: 'online', status_msg: 'here' });
  expect(JSON.stringify((await romeo.call('GET', '/_matrix/client/v3/sync'))['presence'] ?? {})).not.toContain('here');
});

test('who comes into a room is told who is there, and is shown to them', async () => {
  await using server = await startServer({ config: { presence: true } });
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const status = (userId: string) => `/_matrix/client/v3/presence/${userId}/status`;
  await romeo.call('PUT', status(romeo.id), { presence: 'online', status_msg: 'in love' });
  await juliet.call('PUT', status(juliet.id), { presence: 'unavailable', status_msg: 'asleep' });
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const offline = '&set_presence=offline&timeout=0';
  const sync = async (user: typeof romeo, since?: unknown) =>
    await user.call('GET', `/_matrix/client/v3/sync?${since === undefined ? '' : `since=${since}`}${offline}`);
  const [first, second] = [await sync(romeo), await sync(juliet)];
  expect(JSON.stringify(first)).not.toContain('asleep');

  await juliet.join(roomId);
  const [toRomeo, toJuliet] = [await sync(romeo, first['next_batch']), await sync(juliet, second['next_batch'])];
  expect(JSON.stringify(toRomeo['presence'])).toContain('asleep');
  expect(JSON.stringify(toJuliet['presence'])).toContain('in love');
  expect(await sync(romeo, toRomeo['next_batch'])).not.toHaveProperty('presence');
});

test('who is busy stays so while they sync, and is told as such', async () => {
  await using server = await startServer({ config: { presence: true } });
  const romeo = await server.user('romeo');
  const path = `/_matrix/client/v3/presence/${romeo.id}/status`;
  await romeo.call('PUT', path, { presence: 'org.matrix.msc3026.busy', status_msg: 'duel' });
  await romeo.sync();
  expect(await romeo.call('GET', path)).toEqual({
    presence: 'org.matrix.msc3026.busy',
    status_msg: 'duel',
    last_active_ago: expect.any(Number),
  });
  await romeo.call('PUT', path, { presence: 'online' });
  expect(await romeo.call('GET', path)).toEqual({ presence: 'online', currently_active: true, last_active_ago: expect.any(Number) });
  expect((await romeo.attempt('PUT', path, { presence: 'bored' })).status).toBe(400);
  const versions = await romeo.call('GET', '/_matrix/client/versions');
  expect(versions['unstable_features']).toMatchObject({ 'org.matrix.msc3026.busy_presence': true });
});

test('nobody shows presence where it is switched off', async () => {
  await using server = await startServer({ config: { presence: false } });
  const romeo = await server.user('romeo');
  const path = `/_matrix/client/v3/presence/${romeo.id}/status`;
  expect((await romeo.attempt('PUT', path, { presence: 'online', status_msg: 'here' })).status).toBe(200);
  expect(await romeo.call('GET', path)).toEqual({ presence: 'offline' });
});
