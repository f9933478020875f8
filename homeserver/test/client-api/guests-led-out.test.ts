import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { callServer, createTestUser } from '../kit/test-user.ts';

test('guests whose room stopped letting them in right before the server went down are led out when it is up again', async () => {
  await using server = await startServer({ config: { guests: true } });
  const romeo = await server.user('romeo');
  const { body } = await callServer(server.url, 'POST', '/_matrix/client/v3/register?kind=guest', {});
  const guest = createTestUser(server.url, {
    id: String(body['user_id']),
    deviceId: String(body['device_id']),
    accessToken: String(body['access_token']),
  });
  const roomId = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } }],
  });
  await guest.join(roomId);
  // What a crash leaves: the state says that guests are out, and nobody has seen to it.
  await server.stop();
  await server.sql`
    update events e set json = replace(e.json, '"can_join"', '"forbidden"')
    from rooms r where r.room_nid = e.room_nid and r.room_id = ${roomId} and e.type = 'm.room.guest_access'`;
  await server.restart();
  const standing = async () =>
    (await romeo.state(roomId)).find((event) => event.state_key === guest.id && event.type === 'm.room.member')?.content['membership'];
  await expect.poll(standing, { timeout: 20_000 }).toBe('leave');
});

test('nobody knocks at a room that this server has blocked', async () => {
  await using server = await startServer();
  const admin = await server.user('admin');
  const juliet = await server.user('juliet');
  const roomId = await admin.createRoom({
    preset: 'private_chat',
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
  });
  const elsewhere = '!elsewhere:elsewhere.example';
  for (const blocked of [roomId, elsewhere])
    await admin.call('PUT', `/_synapse/admin/v1/rooms/${encodeURIComponent(blocked)}/block`, { block: true });
  for (const blocked of [roomId, elsewhere]) {
    const { status, body } = await juliet.attempt(
      'POST',
      `/_matrix/client/v3/knock/${encodeURIComponent(blocked)}?via=elsewhere.example`,
      {},
    );
    expect([status, body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  }
  await admin.call('PUT', `/_synapse/admin/v1/rooms/${encodeURIComponent(roomId)}/block`, { block: false });
  expect((await juliet.attempt('POST', `/_matrix/client/v3/knock/${encodeURIComponent(roomId)}`, {})).status).toBe(200);
});
