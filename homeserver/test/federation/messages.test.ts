import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';

test.each(['10', '11', '12'])('two people on two servers talk in a room of version %s', async (version) => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);

  const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: version });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const first = await romeo.send(roomId, 'But soft!');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: first, sender: romeo.id });
  const second = await juliet.send(roomId, 'Ay me!');
  await romeo.nextMessage(roomId);
  await expect(romeo.nextMessage(roomId)).resolves.toMatchObject({ event_id: second, sender: juliet.id });
});
