import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { freePort } from '../kit/free-port.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createTestCa, type TestCa } from '../kit/test-ca.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const WELL_KNOWN_PORT = 443;

let ca: TestCa;
let romeo: TestUser;

beforeAll(async () => {
  ca = await createTestCa();
});
afterAll(() => ca[Symbol.asyncDispose]());
/** Another server in each scene: it remembers where it found others. */
beforeEach(async () => {
  const tlsPort = await freePort();
  const plain = await start({ serverName: `localhost:${tlsPort}`, tlsPort });
  romeo = await plain.user('romeo');
  return async () => await plain[Symbol.asyncDispose]();
});

async function start(config: Partial<Config>): Promise<TestServer> {
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1', '::1']);
  return await startServer({ config: { tlsCert: certFile, tlsKey: keyFile, outboundCa: ca.caFile, ...config } });
}

/** Both ways: invites, joins, messages, names of rooms and people. */
async function meet(juliet: TestUser, serverName: string): Promise<void> {
  expect(juliet.id).toBe(`@juliet:${serverName}`);
  const alias = `#balcony:${serverName}`;
  const roomId = await juliet.createRoom({ preset: 'public_chat', room_alias_name: 'balcony' });
  expect(await romeo.join(alias)).toBe(roomId);
  const said = await juliet.send(roomId, 'wherefore art thou?');
  await expect(romeo.nextMessage(roomId)).resolves.toMatchObject({ event_id: said });
  const answered = await romeo.send(roomId, 'I take thee at thy word');
  const heard = async () => (await juliet.messages(roomId)).map((event) => event.event_id);
  await expect.poll(heard, WAIT).toContain(answered);

  const secret = await romeo.createRoom({ preset: 'private_chat' });
  await romeo.invite(secret, juliet.id);
  expect(await juliet.join(secret)).toBe(secret);
  await juliet.call('PUT', `/_matrix/client/v3/profile/${encodeURIComponent(juliet.id)}/displayname`, { displayname: 'Juliet' });
  const profile = async () => await romeo.call('GET', `/_matrix/client/v3/profile/${encodeURIComponent(juliet.id)}`);
  await expect.poll(profile, WAIT).toMatchObject({ displayname: 'Juliet' });
}

test('a server whose name is an IPv6 address is a server like any other', async () => {
  const tlsPort = await freePort();
  const serverName = `[::1]:${tlsPort}`;
  await using named = await start({ serverName, tlsPort, host: '::' });
  await meet(await named.user('juliet'), serverName);
});

test('a server whose name is a bare host is found by the file that the host has at the usual port', async ({ skip }) => {
  const { certFile, keyFile } = await ca.issue(['localhost']);
  const tlsPort = await freePort();
  const asked: unknown[] = [];
  const host = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (request, response) => {
    asked.push(request.url);
    if (request.url === '/elsewhere') return response.end(JSON.stringify({ 'm.server': `localhost:${tlsPort}` }));
    return response.writeHead(302, { location: '/elsewhere' }).end();
  });
  try {
    await once(host.listen(WELL_KNOWN_PORT, '127.0.0.1'), 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return skip(`port ${WELL_KNOWN_PORT} cannot be listened on here (${code})`);
  }
  try {
    await using named = await start({ serverName: 'localhost', tlsPort });
    await meet(await named.user('juliet'), 'localhost');
    expect(asked).toEqual(['/.well-known/matrix/server', '/elsewhere']);
  } finally {
    host.closeAllConnections();
    host.close();
  }
});
