import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';

test('what was said before somebody came is read at once, while the room is still being completed', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const nurse = await servers.user('nurse', 1);
  for (const round of [1, 2, 3]) {
    const roomId = await romeo.createRoom({ preset: 'private_chat' });
    await romeo.send(roomId, `before ${round}`);
    for (const user of [nurse, juliet]) await romeo.invite(roomId, user.id);
    await romeo.send(roomId, `invited ${round}`);
    await juliet.join(roomId);
    const texts = (await juliet.messages(roomId)).flatMap(({ content }) => content['body'] ?? []);
    expect(texts).toEqual([`invited ${round}`, `before ${round}`]);
  }
});
