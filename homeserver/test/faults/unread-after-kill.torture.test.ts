import { expect, test } from 'vitest';
import { meet, sendReceipt } from '../client-api/ephemeral-events.ts';
import { readUnread } from '../client-api/unread-counts.ts';
import { startServerProcess } from '../kit/start-server-process.ts';

test('killed right after messages, receipts and mentions, the server counts as if nothing had happened', async () => {
  await using server = await startServerProcess();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const mention = { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } };

  for (let round = 0; round < 3; round += 1) {
    await romeo.send(roomId, 'before');
    await juliet.send(roomId, 'I am here');
    const read = await romeo.send(roomId, mention);
    await sendReceipt(juliet, roomId, read);
    await romeo.send(roomId, 'after');
    await romeo.send(roomId, mention);
    await server.end('SIGKILL');
    await server.start();
    expect(await readUnread(juliet, roomId)).toEqual({ main: { notification_count: 2, highlight_count: 1 }, threads: {} });
    expect((await readUnread(romeo, roomId)).main.notification_count).toBe(0);
  }
});
