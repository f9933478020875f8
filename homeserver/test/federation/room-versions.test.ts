import { ROOM_VERSIONS } from 'federation-spec/room-versions/room-versions.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

test.each(ROOM_VERSIONS)('in a room of version %s two servers invite, join, talk, rename and redact', async (version) => {
  const roomId = await romeo.createRoom({
    preset: 'private_chat',
    room_version: version,
    power_level_content_override: { events: { 'm.room.name': 0 } },
  });
  await romeo.invite(roomId, juliet.id);
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const theirs = await juliet.send(roomId, 'Romeo?');
  await expect(romeo.nextMessage(roomId)).resolves.toMatchObject({ event_id: theirs, sender: juliet.id });
  const own = await romeo.send(roomId, 'Juliet!');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: theirs });
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: own, sender: romeo.id });

  await juliet.setState(roomId, 'm.room.name', { name: `Verona ${version}` });
  await expect(romeo.nextEvent(roomId, 'm.room.name')).resolves.toMatchObject({ content: { name: `Verona ${version}` } });
  await romeo.call('PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(theirs)}/v${version}`, {});
  const isPruned = async () => (await juliet.messages(roomId)).find((event) => event.event_id === theirs)?.content;
  await expect.poll(isPruned, { timeout: 15_000 }).toEqual({});
  const seenBy = async (user: TestUser) => (await user.state(roomId)).map((event) => event.event_id).sort();
  expect(await seenBy(juliet)).toEqual(await seenBy(romeo));
});
