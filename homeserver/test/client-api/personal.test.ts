import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { callServer, TEST_PASSWORD } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

const me = (id: string) => `${V3}/user/${encodeURIComponent(id)}`;
const profile = (id: string) => `${V3}/profile/${encodeURIComponent(id)}`;

test('account data is kept as it was given, per account and per room', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom();
  const content = { nested: { b: 1, a: [null, 'ü'] } };
  await romeo.call('PUT', `${me(romeo.id)}/account_data/org.example.setting`, content);
  expect(await romeo.call('GET', `${me(romeo.id)}/account_data/org.example.setting`)).toEqual(content);
  const inRoom = `${me(romeo.id)}/rooms/${encodeURIComponent(roomId)}/account_data/org.example.setting`;
  expect((await romeo.attempt('GET', inRoom)).status).toBe(404);
  await romeo.call('PUT', inRoom, { here: true });
  expect(await romeo.call('GET', inRoom)).toEqual({ here: true });
  expect(await juliet.attempt('GET', `${me(romeo.id)}/account_data/org.example.setting`)).toMatchObject({ status: 403 });
  expect(await romeo.attempt('PUT', `${me(romeo.id)}/account_data/m.push_rules`, {})).toMatchObject({
    status: 405,
    body: { errcode: 'M_BAD_JSON' },
  });
});

test('tags set at once are all kept', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const tags = `${me(romeo.id)}/rooms/${encodeURIComponent(await romeo.createRoom())}/tags`;
  await Promise.all(['u.a', 'u.b', 'm.favourite'].map((tag) => romeo.call('PUT', `${tags}/${tag}`, { order: 0.5 })));
  await romeo.call('DELETE', `${tags}/u.a`);
  expect(await romeo.call('GET', tags)).toEqual({ tags: { 'u.b': { order: 0.5 }, 'm.favourite': { order: 0.5 } } });
});

test('push rules begin with the defaults and keep what one changes', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const global = `${V3}/pushrules/global`;
  expect(await romeo.call('GET', `${global}/override/.m.rule.master/enabled`)).toEqual({ enabled: false });
  await romeo.call('PUT', `${global}/override/.m.rule.master/enabled`, { enabled: true });
  await romeo.call('PUT', `${global}/content/balcony`, { actions: ['notify'], pattern: 'balcony' });
  expect(await romeo.call('GET', `${global}/content/balcony`)).toMatchObject({ rule_id: 'balcony', pattern: 'balcony', default: false });
  const { global: rules } = (await romeo.call('GET', `${V3}/pushrules/`)) as {
    global: { override: { rule_id: string; enabled: boolean }[] };
  };
  expect(rules.override[0]).toMatchObject({ rule_id: '.m.rule.master', enabled: true });
  await romeo.call('DELETE', `${global}/content/balcony`);
  expect((await romeo.attempt('GET', `${global}/content/balcony`)).status).toBe(404);
  expect((await romeo.attempt('DELETE', `${global}/override/.m.rule.master`)).status).toBe(404);
});

test('filters are stored, and the same filter has the same id', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const filter = { room: { timeline: { limit: 3 } } };
  const { filter_id: id } = await romeo.call('POST', `${me(romeo.id)}/filter`, filter);
  expect(await romeo.call('POST', `${me(romeo.id)}/filter`, filter)).toEqual({ filter_id: id });
  expect(await romeo.call('GET', `${me(romeo.id)}/filter/${id}`)).toEqual(filter);
  expect((await romeo.attempt('GET', `${me(romeo.id)}/filter/99`)).status).toBe(404);
});

test('a profile has a name, a picture and fields of one’s own, and rooms hear of the first two', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom();
  expect(await juliet.call('GET', profile(romeo.id))).toEqual({ displayname: 'romeo' });
  await romeo.call('PUT', `${profile(romeo.id)}/displayname`, { displayname: 'Romeo Montague' });
  await romeo.call('PUT', `${profile(romeo.id)}/m.tz`, { 'm.tz': 'Europe/Rome' });
  expect(await juliet.call('GET', profile(romeo.id))).toEqual({ displayname: 'Romeo Montague', 'm.tz': 'Europe/Rome' });
  expect(await juliet.call('GET', `${profile(romeo.id)}/m.tz`)).toEqual({ 'm.tz': 'Europe/Rome' });
  await expect
    .poll(async () => (await romeo.state(roomId)).find(({ type }) => type === 'm.room.member')?.content['displayname'])
    .toBe('Romeo Montague');

  expect((await juliet.attempt('PUT', `${profile(romeo.id)}/displayname`, { displayname: 'Paris' })).status).toBe(403);
  const refused = (name: string, value: unknown) =>
    romeo.attempt('PUT', `${profile(romeo.id)}/${encodeURIComponent(name)}`, { [name]: value });
  expect((await refused('displayname', 7)).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await refused('x'.repeat(300), 'y')).body['errcode']).toBe('M_KEY_TOO_LARGE');
  expect((await refused('org.example.big', 'y'.repeat(70_000))).body['errcode']).toBe('M_PROFILE_TOO_LARGE');
  await romeo.call('DELETE', `${profile(romeo.id)}/m.tz`);
  expect((await juliet.attempt('GET', `${profile(romeo.id)}/m.tz`)).status).toBe(404);
  expect((await juliet.attempt('GET', profile('@nobody:hs.test'))).status).toBe(404);
});

test('S55: a token for others opens nothing here', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const token = await romeo.call('POST', `${me(romeo.id)}/openid/request_token`, {});
  expect(token).toMatchObject({ token_type: 'Bearer', matrix_server_name: 'hs.test', expires_in: 3600 });
  const attempt = await callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, String(token['access_token']));
  expect(attempt.status).toBe(401);
});

test('a deactivated person leaves all rooms', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId);
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'romeo' }, password: TEST_PASSWORD };
  await romeo.call('POST', `${V3}/account/deactivate`, { auth });
  const member = (await juliet.state(roomId)).find(({ type, state_key }) => type === 'm.room.member' && state_key === romeo.id);
  expect(member?.content['membership']).toBe('leave');
});
