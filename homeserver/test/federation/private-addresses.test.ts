import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';

test('S38: a private address as the name of a server or an identity server is not reached, however it is written', async () => {
  let connections = 0;
  const inside = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  const { port } = inside.address() as AddressInfo;

  await using server = await startServer({ config: { outboundAllow: [] } });
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom({});
  const names = [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    `2130706433:${port}`,
    `0x7f.1:${port}`,
    `[::1]:${port}`,
    `[::ffff:7f00:1]:${port}`,
    `10.0.0.1`,
    '169.254.169.254',
  ];
  for (const name of names) {
    const join = await romeo.attempt(
      'POST',
      `/_matrix/client/v3/join/${encodeURIComponent(`!room:${name}`)}?via=${encodeURIComponent(name)}`,
      {},
    );
    expect(join.status, name).toBeGreaterThanOrEqual(400);
    const alias = await romeo.attempt('GET', `/_matrix/client/v3/directory/room/${encodeURIComponent(`#room:${name}`)}`);
    expect(alias.status, name).toBeGreaterThanOrEqual(400);
    await romeo.attempt('GET', `/_matrix/client/v3/profile/${encodeURIComponent(`@tybalt:${name}`)}`);
    await romeo.attempt('GET', `/_matrix/client/v1/media/download/${encodeURIComponent(name)}/abc`);
    const byAddress = { id_server: name, id_access_token: 'x', medium: 'email', address: 'tybalt@verona.test' };
    const invited = await romeo.attempt('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/invite`, byAddress);
    expect(invited.status, name).toBeGreaterThanOrEqual(400);
  }
  expect(connections).toBe(0);
  const [rooms] = await server.sql<{ count: number }[]>`select count(*)::bigint as count from rooms`;
  expect(rooms?.count).toBe(1);
  await new Promise((resolve) => inside.close(resolve));
});
