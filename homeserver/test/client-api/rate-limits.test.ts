import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { LIMITS } from '../../src/edge/http/rate-limit.ts';
import { createCleanup } from '../kit/cleanup.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startAppservice, type TestAppservice } from '../kit/start-appservice.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type Answer, callServer, createNames, type TestUser } from '../kit/test-user.ts';

const HOUR_MS = 3_600_000;
const CLIENT = '/_matrix/client/v3';
const LIMITED = { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) } };

const nameOf = createNames();
const cleanup = createCleanup();
let bridge: TestAppservice;
let server: TestServer;
let admin: TestUser;
let romeo: TestUser;
let juliet: TestUser;

/** The clock stands still while a scene runs: nothing refills but between two. */
const clock = createFakeClock();

beforeAll(async () => {
  bridge = cleanup.use(await startAppservice({ url: null, rate_limited: false }));
  server = cleanup.use(await startServer({ clock, config: { rateLimits: true, appservices: [bridge.file] } }));
  admin = await server.user('escalus');
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
beforeEach(() => clock.advance(HOUR_MS));
afterAll(() => cleanup.run());

async function repeat(times: number, call: (index: number) => Promise<Answer>): Promise<Answer> {
  let answer = await call(0);
  for (let index = 1; index < times; index += 1) answer = await call(index);
  return answer;
}

test('who calls too often is told when to come back, in the body and in the header, and then may', async () => {
  const logIn = (index: number) =>
    callServer(server.url, 'POST', `${CLIENT}/login`, {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: `nobody${index}` },
      password: 'x',
    });
  const refused = await repeat(LIMITS.login.burst + 1, logIn);
  expect(refused).toMatchObject(LIMITED);
  expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(Number(refused.body['retry_after_ms']) / 1000));
  expect(refused.headers.get('access-control-expose-headers')).toContain('Retry-After');
  clock.advance(Number(refused.body['retry_after_ms']));
  expect((await logIn(100)).status).toBe(403);
});

test('S51: whoever has a network of addresses has no more calls than who has one', async () => {
  const token = (address: string) =>
    fetch(`${server.url}${CLIENT}/login`, {
      method: 'POST',
      headers: { 'X-Forwarded-For': address },
      body: JSON.stringify({ type: 'm.login.token', token: 'x' }),
    });
  for (let n = 0; n < LIMITS.login.burst; n += 1) expect((await token(`2001:db8:0:7::${n + 1}`)).status).toBe(403);
  expect((await token('2001:db8:0:7:ffff::1')).status).toBe(429);
  expect((await token('2001:db8:0:8::1')).status).toBe(403);
});

test('one account at its limit does not hold up another, nor its own calls of another kind', async () => {
  const search = (user: TestUser) => user.attempt('POST', `${CLIENT}/user_directory/search`, { search_term: 'x' });
  await expect(repeat(LIMITS.search.burst + 1, () => search(romeo))).resolves.toMatchObject(LIMITED);
  expect((await search(juliet)).status).toBe(200);
  expect((await romeo.attempt('GET', `${CLIENT}/account/whoami`)).status).toBe(200);
});

test('messages are limited by who sends them', async () => {
  const roomId = await romeo.createRoom();
  const path = (index: number) => `${CLIENT}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${index}`;
  const send = (index: number) => romeo.attempt('PUT', path(index), { msgtype: 'm.text', body: 'x' });
  await expect(repeat(LIMITS.message.burst + 1, send)).resolves.toMatchObject(LIMITED);
});

test('nobody is flooded with invites, by however many accounts', async () => {
  const target = '@victim:hs.test';
  const rooms = await Promise.all([juliet.createRoom({ invite: [] }), juliet.createRoom()]);
  const invite = (index: number) =>
    juliet.attempt('POST', `${CLIENT}/rooms/${encodeURIComponent(rooms[index % 2] ?? '')}/invite`, { user_id: target });
  await repeat(LIMITS.invite.burst - 2, invite);
  const left = LIMITS.invited.burst - (LIMITS.invite.burst - 2);
  const other = await romeo.createRoom();
  const byOther = () => romeo.attempt('POST', `${CLIENT}/rooms/${encodeURIComponent(other)}/invite`, { user_id: target });
  await expect(repeat(left + 1, byOther)).resolves.toMatchObject(LIMITED);
  const list = Array.from({ length: 90 }, (_, index) => `@crowd${index}:hs.test`);
  const crowd = await repeat(4, () => romeo.attempt('POST', `${CLIENT}/createRoom`, { invite: list }));
  expect(crowd).toMatchObject(LIMITED);
});

test('admins and services that are registered so are held to no limit', async () => {
  const search = () => admin.attempt('POST', `${CLIENT}/user_directory/search`, { search_term: 'x' });
  expect((await repeat(LIMITS.search.burst + 5, search)).status).toBe(200);
  const register = () =>
    bridge.call(server.url, 'POST', `${CLIENT}/register`, {
      type: 'm.login.application_service',
      username: nameOf('_irc_crowd'),
      inhibit_login: true,
    });
  expect((await repeat(LIMITS.registration.burst + 5, register)).status).toBe(200);
});

test('who comes through a proxy that nobody trusts cannot choose the address that is limited', async () => {
  await using distrusting = await startServer({ clock, config: { rateLimits: true, trustedProxies: [] } });
  const attempt = async (index: number): Promise<Answer> => {
    const response = await fetch(`${distrusting.url}${CLIENT}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.0.0.${index}` },
      body: JSON.stringify({ type: 'm.login.password', identifier: { type: 'm.id.user', user: `n${index}` }, password: 'x' }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'], headers: response.headers };
  };
  await expect(repeat(LIMITS.login.burst + 1, attempt)).resolves.toMatchObject(LIMITED);
});
