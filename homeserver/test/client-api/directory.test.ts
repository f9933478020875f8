import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';

test('a listed room is found by its name and left out once it is taken from the list', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ visibility: 'public', name: 'Verona', topic: 'Two households', room_alias_name: 'verona' });
  await romeo.createRoom({ preset: 'public_chat', name: 'Unlisted' });

  const search = async (term: string) =>
    await juliet.call('POST', '/_matrix/client/v3/publicRooms', { filter: { generic_search_term: term } });
  expect(await search('household')).toMatchObject({
    total_room_count_estimate: 1,
    chunk: [{ room_id: roomId, name: 'Verona', num_joined_members: 1, canonical_alias: `#verona:${server.name}`, join_rule: 'public' }],
  });
  expect(await search('mantua')).toMatchObject({ chunk: [] });
  expect((await juliet.call('GET', '/_matrix/client/v3/publicRooms'))['chunk']).toHaveLength(1);

  const place = `/_matrix/client/v3/directory/list/room/${encodeURIComponent(roomId)}`;
  expect((await juliet.attempt('PUT', place, { visibility: 'private' })).status).toBe(403);
  await romeo.call('PUT', place, { visibility: 'private' });
  expect(await search('verona')).toMatchObject({ chunk: [] });
});

test('a room is joined by its alias', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_alias_name: 'verona' });
  expect(await juliet.join(`#verona:${server.name}`)).toBe(roomId);
  expect((await juliet.attempt('POST', `/_matrix/client/v3/join/${encodeURIComponent(`#mantua:${server.name}`)}`, {})).body).toMatchObject({
    errcode: 'M_NOT_FOUND',
  });
});

test('credentials for a call are those the TURN server will compute', async () => {
  await using server = await startServer({ config: { turnUris: ['turn:turn.example.org:3478'], turnSecret: 'shared' } });
  const romeo = await server.user('romeo');
  const { createHmac } = await import('node:crypto');
  const credentials = await romeo.call('GET', '/_matrix/client/v3/voip/turnServer');
  expect(String(credentials['username'])).toMatch(new RegExp(`^\\d+:${romeo.id}$`));
  expect(credentials['password']).toBe(createHmac('sha1', 'shared').update(String(credentials['username'])).digest('base64'));
  expect(credentials['uris']).toEqual(['turn:turn.example.org:3478']);
});
