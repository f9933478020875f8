import { expect, test } from 'vitest';
import { hasCaddy, startCaddy } from '../kit/start-caddy.ts';
import { startServer } from '../kit/start-server.ts';

// The Debian package `caddy` is no part of the product; where it is not installed, this scene has nothing to run on.
test.skipIf(!hasCaddy())('through Caddy come the API, federation, well-known and the web client, and nothing private', async () => {
  await using server = await startServer({ config: { serverName: 'localhost', publicUrl: 'https://localhost' } });
  await using caddy = await startCaddy({ homeserver: new URL(server.url).host, bot: '127.0.0.1:1' });

  expect(JSON.parse((await caddy.get('/_matrix/client/versions')).body).versions).toContain('v1.11');
  expect((await caddy.get('/_matrix/client/versions', caddy.federationPort)).status).toBe(200);
  expect(JSON.parse((await caddy.get('/.well-known/matrix/client')).body)).toEqual({ 'm.homeserver': { base_url: 'https://localhost' } });
  expect(JSON.parse((await caddy.get('/.well-known/matrix/server')).body)).toEqual({ 'm.server': 'localhost:443' });
  for (const path of ['/_synapse/admin/v1/register', '/health', '/metrics']) expect((await caddy.get(path)).status).toBe(404);
  expect((await caddy.get('/hooks/nobody/home')).status).toBe(502);

  const romeo = await server.user('romeo');
  const whoami = await caddy.get('/_matrix/client/v3/account/whoami', caddy.port, { authorization: `Bearer ${romeo.accessToken}` });
  expect(JSON.parse(whoami.body)).toMatchObject({ user_id: romeo.id });
});
