import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';

const SAID = 60;

test('who joins late reads what was said before, in order, without gap or repeat', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const said = Array.from({ length: SAID }, (_, index) => `word ${index}`);
  for (const text of said) await romeo.send(roomId, text);

  await juliet.join(roomId, { via: [servers.at(0).name] });
  const last = await romeo.send(roomId, 'welcome');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: last });

  const read: unknown[] = [];
  for (let from = ''; ; ) {
    const page = await juliet.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=25${from}`);
    for (const event of page['chunk'] as { type: string; content: Record<string, unknown> }[]) {
      if (event.type === 'm.room.message') read.push(event.content['body']);
    }
    if (page['end'] === undefined) break;
    from = `&from=${String(page['end'])}`;
  }
  expect(read).toEqual([...said, 'welcome'].reverse());
});

test('what came before is seen as far as history was open then, whatever it is now', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await romeo.send(roomId, 'open');
  await romeo.setState(roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
  await romeo.send(roomId, 'closed');
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await romeo.send(roomId, 'welcome');
  await juliet.nextMessage(roomId);
  const bodies = (await juliet.messages(roomId)).filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
  expect(bodies).toEqual(['welcome', 'open']);
});
