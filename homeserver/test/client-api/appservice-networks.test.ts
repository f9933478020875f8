import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startAppservice, type TestAppservice } from '../kit/start-appservice.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

const CLIENT = '/_matrix/client/v3';
const APP = '/_matrix/app/v1';

const cleanup = createCleanup();
let one: TestAppservice;
let two: TestAppservice;
let silent: TestAppservice;
let server: TestServer;
let romeo: TestUser;

const protocol = (networkId: string) => ({
  user_fields: ['nick'],
  location_fields: ['channel'],
  instances: [{ desc: networkId, fields: { network: networkId }, network_id: networkId }],
});

beforeAll(async () => {
  one = cleanup.use(await startAppservice({ id: 'one', protocols: ['irc', 'broken'] }));
  two = cleanup.use(await startAppservice({ id: 'two', protocols: ['irc'] }));
  silent = cleanup.use(await startAppservice({ id: 'silent', url: null }));
  server = cleanup.use(await startServer({ config: { appservices: [one.file, two.file, silent.file] } }));
  romeo = await server.user('romeo');
});
afterAll(() => cleanup.run());
beforeEach(() => {
  one.answer = ({ path, query }) => {
    if (path === `${APP}/thirdparty/protocol/irc`) return { status: 200, body: protocol('verona') };
    if (path === `${APP}/thirdparty/protocol/broken`) return { status: 200, body: { instances: 'none' } };
    if (path === `${APP}/thirdparty/location/irc`)
      return { status: 200, body: [{ alias: '#_one_x:hs.test', protocol: 'irc', fields: { channel: query.get('channel') } }, 'nonsense'] };
    if (path === `${APP}/thirdparty/location`) return { status: 200, body: [{ alias: query.get('alias'), protocol: 'irc', fields: {} }] };
    if (path === `${APP}/thirdparty/user`) return { status: 200, body: [{ userid: query.get('userid'), protocol: 'irc', fields: {} }] };
    return undefined;
  };
  two.answer = ({ path }) => {
    if (path === `${APP}/thirdparty/protocol/irc`) return { status: 200, body: protocol('mantua') };
    if (path === `${APP}/thirdparty/user/irc`)
      return { status: 200, body: [{ userid: '@_two_y:hs.test', protocol: 'irc', fields: { nick: 'y' } }] };
    return undefined;
  };
});

test('a service learns whether it can be called', async () => {
  const ping = (by: TestAppservice, id = String(by.registration['id'])) =>
    by.call(server.url, 'POST', `/_matrix/client/v1/appservice/${id}/ping`, { transaction_id: 'hello' });
  one.answer = ({ path, body }) => (path === `${APP}/ping` && body['transaction_id'] === 'hello' ? { status: 200, body: {} } : undefined);
  await expect(ping(one)).resolves.toMatchObject({ status: 200, body: { duration_ms: expect.any(Number) } });

  one.answer = () => ({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  await expect(ping(one)).resolves.toMatchObject({
    status: 502,
    body: { errcode: 'M_BAD_STATUS', status: 403, body: '{"errcode":"M_FORBIDDEN"}' },
  });
  await one.hangUp();
  await expect(ping(one)).resolves.toMatchObject({ status: 502, body: { errcode: 'M_CONNECTION_FAILED' } });
  await one.listen();
  await expect(ping(silent)).resolves.toMatchObject({ status: 400, body: { errcode: 'M_URL_NOT_SET' } });
  await expect(ping(one, 'two')).resolves.toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  await expect(romeo.attempt('POST', '/_matrix/client/v1/appservice/one/ping', {})).resolves.toMatchObject({
    status: 403,
    body: { errcode: 'M_FORBIDDEN' },
  });
});

test('the networks of all services are told together, each instance with an id of its own', async () => {
  const irc = {
    ...protocol('verona'),
    instances: [
      { desc: 'verona', fields: { network: 'verona' }, network_id: 'verona', instance_id: 'one|verona' },
      { desc: 'mantua', fields: { network: 'mantua' }, network_id: 'mantua', instance_id: 'two|mantua' },
    ],
  };
  await expect(romeo.call('GET', `${CLIENT}/thirdparty/protocols`)).resolves.toEqual({ irc });
  await expect(romeo.call('GET', `${CLIENT}/thirdparty/protocol/irc`)).resolves.toEqual(irc);
  for (const unknown of ['broken', 'xmpp', '__proto__']) {
    await expect(romeo.attempt('GET', `${CLIENT}/thirdparty/protocol/${unknown}`)).resolves.toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    });
  }
});

test('rooms and people of a network are looked up by its fields, or by what they are called here', async () => {
  const call = (path: string) => romeo.attempt('GET', `${CLIENT}/thirdparty/${path}`);
  await expect(call('location/irc?channel=%23verona')).resolves.toMatchObject({
    status: 200,
    body: [{ alias: '#_one_x:hs.test', protocol: 'irc', fields: { channel: '#verona' } }],
  });
  await expect(call('user/irc?nick=y')).resolves.toMatchObject({ status: 200, body: [{ userid: '@_two_y:hs.test' }] });
  await expect(call(`location?alias=${encodeURIComponent('#_one_z:hs.test')}`)).resolves.toMatchObject({
    status: 200,
    body: [{ alias: '#_one_z:hs.test' }],
  });
  await expect(call(`user?userid=${encodeURIComponent('@_one_z:hs.test')}`)).resolves.toMatchObject({
    status: 200,
    body: [{ userid: '@_one_z:hs.test' }],
  });
  await expect(call(`user?userid=${encodeURIComponent(romeo.id)}`)).resolves.toMatchObject({
    status: 404,
    body: { errcode: 'M_NOT_FOUND' },
  });
  await expect(call('location/xmpp')).resolves.toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  await expect(call('location')).resolves.toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
});

test("a service lists rooms in its network's directory, which is searched apart from the server's own", async () => {
  const bridged = await romeo.createRoom({ name: 'bridged' });
  const plain = await romeo.createRoom({ name: 'plain', visibility: 'public', preset: 'public_chat' });
  const list = (roomId: string, visibility: unknown, by = one) =>
    by.call(server.url, 'PUT', `${CLIENT}/directory/list/appservice/verona/${encodeURIComponent(roomId)}`, { visibility });
  const search = async (body: object) => {
    const answer = await romeo.attempt('POST', `${CLIENT}/publicRooms`, body);
    return answer.status === 200 ? (answer.body['chunk'] as { room_id: string }[]).map((room) => room.room_id).toSorted() : answer.body;
  };
  expect((await list(bridged, 'public')).status).toBe(200);
  const unlisted = await search({});
  expect(unlisted).toContain(plain);
  expect(unlisted).not.toContain(bridged);
  expect(await search({ third_party_instance_id: 'one|verona' })).toEqual([bridged]);
  expect(await search({ third_party_instance_id: 'two|verona' })).toEqual([]);
  expect(await search({ include_all_networks: true })).toEqual(expect.arrayContaining([bridged, plain]));
  expect(await search({ third_party_instance_id: 'nonsense' })).toMatchObject({ errcode: 'M_INVALID_PARAM' });

  expect((await list(bridged, 'private')).status).toBe(200);
  expect(await search({ third_party_instance_id: 'one|verona' })).toEqual([]);
  await expect(list('!nowhere:hs.test', 'public')).resolves.toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  await expect(list(bridged, 'hidden')).resolves.toMatchObject({ status: 400 });
  const path = `${CLIENT}/directory/list/appservice/verona/${encodeURIComponent(bridged)}`;
  await expect(romeo.attempt('PUT', path, { visibility: 'public' })).resolves.toMatchObject({
    status: 403,
    body: { errcode: 'M_FORBIDDEN' },
  });
});
