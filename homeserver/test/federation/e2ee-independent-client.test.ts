import { expect, test } from 'vitest';
import { ENCRYPTED, nextText, startClient } from '../client-api/independent-client.ts';
import { startServers } from '../kit/start-servers.ts';

test('matrix-js-sdk clients of two servers read each other’s encrypted messages, and neither database does', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  await using romeoClient = await startClient(servers.at(0), romeo);
  await using julietClient = await startClient(servers.at(1), juliet);
  const roomId = await romeo.createRoom({ preset: 'private_chat', invite: [juliet.id], initial_state: ENCRYPTED });
  await expect.poll(() => julietClient.matrix.getRoom(roomId)?.getMyMembership(), { timeout: 30_000 }).toBe('invite');
  await juliet.join(roomId);
  await expect.poll(() => romeoClient.matrix.getRoom(roomId)?.getJoinedMemberCount(), { timeout: 30_000 }).toBe(2);
  await expect.poll(() => julietClient.matrix.getRoom(roomId)?.hasEncryptionStateEvent(), { timeout: 30_000 }).toBe(true);

  const heard = nextText(julietClient, roomId);
  await romeoClient.matrix.sendTextMessage(roomId, 'thus with a kiss I die');
  expect(await heard).toBe('thus with a kiss I die');
  const answered = nextText(romeoClient, roomId);
  await julietClient.matrix.sendTextMessage(roomId, 'O happy dagger');
  expect(await answered).toBe('O happy dagger');
  for (const { sql } of servers.list) {
    const rows =
      await sql`select json from events union all select content from to_device_messages union all select content from federation_outbox`;
    expect(JSON.stringify(rows)).not.toMatch(/happy dagger|with a kiss/);
  }
});
