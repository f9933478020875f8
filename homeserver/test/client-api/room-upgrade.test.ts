import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';

const upgradePath = (roomId: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/upgrade`;

test.each([
  ['10', '11'],
  ['11', '12'],
  ['12', '12'],
])('an upgrade from version %s to %s carries the room over and leaves the old one silent', async (from, to) => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const alias = `#verona:${server.name}`;
  const oldId = await romeo.createRoom({
    room_version: from,
    preset: 'public_chat',
    visibility: 'public',
    name: 'Verona',
    room_alias_name: 'verona',
    creation_content: { type: 'org.example.town' },
  });
  await juliet.join(oldId);

  expect((await juliet.attempt('POST', upgradePath(oldId), { new_version: to })).status).toBe(403);
  expect((await romeo.attempt('POST', upgradePath(oldId), { new_version: 'none' })).body).toMatchObject({
    errcode: 'M_UNSUPPORTED_ROOM_VERSION',
  });
  const newId = String((await romeo.call('POST', upgradePath(oldId), { new_version: to }))['replacement_room']);

  const before = await romeo.state(oldId);
  const after = await romeo.state(newId);
  expect(before.find((event) => event.type === 'm.room.tombstone')?.content).toMatchObject({ replacement_room: newId });
  expect(before.find((event) => event.type === 'm.room.canonical_alias')?.content).toEqual({});
  expect(before.find((event) => event.type === 'm.room.power_levels')?.content).toMatchObject({ events_default: 50, invite: 50 });
  expect(after.find((event) => event.type === 'm.room.create')?.content).toMatchObject({
    room_version: to,
    type: 'org.example.town',
    predecessor: { room_id: oldId },
  });
  expect(after.find((event) => event.type === 'm.room.name')?.content).toEqual({ name: 'Verona' });
  expect(after.find((event) => event.type === 'm.room.canonical_alias')?.content).toMatchObject({ alias });
  expect(await juliet.join(alias)).toBe(newId);
  expect((await juliet.call('GET', '/_matrix/client/v3/publicRooms'))['chunk']).toMatchObject([{ room_id: newId }]);
  await expect(juliet.send(oldId, 'Anyone here?')).rejects.toThrow('403');
  await juliet.send(newId, 'Here!');
});
