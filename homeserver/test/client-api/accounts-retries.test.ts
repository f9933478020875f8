import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames, TEST_PASSWORD } from '../kit/test-user.ts';
import { codeIn, PASSWORD, requestCode, V3 } from './sign-up-steps.ts';

const clock = createFakeClock();
const nameOf = createNames();
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ clock });
});
afterAll(() => server[Symbol.asyncDispose]());

async function begin(): Promise<string> {
  return String((await callServer(server.url, 'POST', `${V3}/register`, {})).body['session']);
}

const whoami = (token: unknown) => callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, String(token));

test('a sign-up whose answer was lost is asked for again, and gives the same account and device', async () => {
  const session = await begin();
  const username = nameOf('retrying');
  const draft = { username, password: PASSWORD, auth: { type: 'm.login.dummy', session } };
  const first = await callServer(server.url, 'POST', `${V3}/register`, draft);
  const second = await callServer(server.url, 'POST', `${V3}/register`, draft);
  expect(second).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test`, device_id: first.body['device_id'] } });
  expect((await whoami(second.body['access_token'])).status).toBe(200);
  expect((await whoami(first.body['access_token'])).status).toBe(401); // what was lost opens nothing
});

test('S46: a session that has made an account makes no other, opens it to no other body, and not for ever', async () => {
  const session = await begin();
  const username = nameOf('once');
  const draft = { username, password: PASSWORD, inhibit_login: true, auth: { type: 'm.login.dummy', session } };
  expect((await callServer(server.url, 'POST', `${V3}/register`, draft)).status).toBe(200);
  expect((await callServer(server.url, 'POST', `${V3}/register`, draft)).body).toEqual({
    user_id: `@${username}:hs.test`,
    home_server: 'hs.test',
  });
  for (const change of [{ password: 'another plague' }, { inhibit_login: false }, { device_id: 'MINE' }]) {
    const answer = await callServer(server.url, 'POST', `${V3}/register`, { ...draft, ...change });
    expect(answer, JSON.stringify(change)).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
  }
  const other = await callServer(server.url, 'POST', `${V3}/register`, { ...draft, username: nameOf('twice') });
  expect(other).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
  clock.advance(3_600_000);
  expect((await callServer(server.url, 'POST', `${V3}/register`, draft)).body['errcode']).toBe('M_USER_IN_USE');
});

test('the older way to add an address asks for the password too', async () => {
  await using mail = await startMailCatcher();
  await using own = await startServer({ config: { smtpUrl: mail.url } });
  const juliet = await own.user('juliet');
  const { sid, submitPath } = await requestCode(own.url, 'account/3pid', 'juliet@verona.test', 'sekret');
  const token = codeIn((await mail.nextMail('juliet@verona.test')).text);
  await callServer(own.url, 'POST', submitPath, { sid, client_secret: 'sekret', token });
  const body = { three_pid_creds: { sid, client_secret: 'sekret' } };
  expect((await juliet.attempt('POST', `${V3}/account/3pid`, body)).status).toBe(401);
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'juliet' }, password: TEST_PASSWORD };
  await juliet.call('POST', `${V3}/account/3pid`, { ...body, auth });
  expect((await juliet.call('GET', `${V3}/account/3pid`))['threepids']).toMatchObject([{ medium: 'email', address: 'juliet@verona.test' }]);
});
