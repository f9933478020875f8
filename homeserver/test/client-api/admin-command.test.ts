import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

const ADMIN = new URL('../../src/admin.ts', import.meta.url).pathname;

/** Runs the command as an operator does, beside the running homeserver; gives what it printed. */
async function admin({ config }: TestServer, ...args: string[]): Promise<string> {
  const env = {
    ...process.env,
    DATABASE_URL: String(config.databaseUrl),
    BLINKCHAT_SERVER_NAME: config.serverName,
    BLINKCHAT_PASSWORD_COST: '4',
  };
  const { stdout } = await promisify(execFile)(process.execPath, [ADMIN, ...args], { env });
  return stdout.trim();
}

const passwordIn = (printed: string) => /password: (\S+)/.exec(printed)?.[1] ?? '';
const logIn = (server: TestServer, user: string, password: string) =>
  callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password });

test('whoever sits at the server makes accounts, admins and new passwords while it runs', async () => {
  await using server = await startServer({ config: { registration: 'closed' } });
  const password = passwordIn(await admin(server, 'create-account', 'escalus', '--admin'));
  const { status, body } = await logIn(server, 'escalus', password);
  expect(status).toBe(200);
  const token = String(body['access_token']);
  const capabilities = async () => (await callServer(server.url, 'GET', `${V3}/capabilities`, undefined, token)).body['capabilities'];
  expect(await capabilities()).toHaveProperty(['m.account_moderation']);

  await admin(server, 'set-admin', 'escalus', 'off');
  await expect.poll(capabilities).not.toHaveProperty(['m.account_moderation']);
  expect(await admin(server, 'list-accounts')).toBe('@escalus:hs.test\tactive');

  const reset = passwordIn(await admin(server, 'reset-password', 'escalus'));
  await expect.poll(async () => (await callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, token)).status).toBe(401);
  expect((await logIn(server, 'escalus', password)).status).toBe(403);
  expect((await logIn(server, 'escalus', reset)).status).toBe(200);
  await admin(server, 'lock', 'escalus');
  expect((await logIn(server, 'escalus', reset)).body['errcode']).toBe('M_USER_LOCKED');
});

test('whoever sits at the server ends an account, which leaves its rooms at once', async () => {
  await using server = await startServer();
  const [romeo, juliet] = [await server.user('romeo'), await server.user('juliet')];
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId);
  await romeo.send(roomId, 'farewell');
  expect(await admin(server, 'deactivate', 'romeo', '--erase')).toBe('@romeo:hs.test is deactivated, for ever');
  const members = async () => Object.keys((await juliet.call('GET', `${V3}/rooms/${roomId}/joined_members`))['joined'] as object);
  await expect.poll(members, { timeout: 20_000 }).toEqual([juliet.id]);
  expect((await romeo.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  const nurse = await server.user('nurse');
  await nurse.join(roomId);
  expect((await nurse.messages(roomId)).find(({ type, sender }) => type === 'm.room.message' && sender === romeo.id)?.content).toEqual({});
  await expect(admin(server, 'deactivate', 'romeo')).rejects.toThrow('is deactivated, which is for ever');
});

test('a registration token made at the server lets one in; mistakes are named', async () => {
  await using server = await startServer({ config: { registration: 'token' } });
  const token = await admin(server, 'create-registration-token', '--uses', '1');
  const auth = { type: 'm.login.registration_token', token };
  const body = { username: 'romeo', password: 'wherefore art thou', auth };
  expect((await callServer(server.url, 'POST', `${V3}/register`, body)).status).toBe(200);
  await expect(admin(server, 'lock', 'nobody')).rejects.toThrow('There is no account @nobody:hs.test.');
  await expect(admin(server, 'dance')).rejects.toThrow('There is no command dance.');
});

test('what people reported is read at the server', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  const eventId = await romeo.send(roomId, 'foul');
  await romeo.call('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/report/${encodeURIComponent(eventId)}`, { reason: 'shame' });
  await romeo.call('POST', `${V3}/users/@paris:elsewhere.test/report`, { reason: 'a\nrival' });
  const lines = (await admin(server, 'list-reports')).split('\n').map((line) => line.split('\t').slice(1));
  expect(lines).toEqual([
    [romeo.id, '@paris:elsewhere.test', '', '"a\\nrival"'],
    [romeo.id, roomId, eventId, '"shame"'],
  ]);
});
