import { endpointsByApi } from 'federation-spec/api/all-endpoints.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startAppservice, type TestAppservice } from '../kit/start-appservice.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';
import { fillPath, plainValueOf, propertiesOf, requiredOf } from './bad-input.ts';
import { createCrossSigning, createDeviceKeys, createKeyPair } from './crypto-device.ts';

const CLIENT = '/_matrix/client/v3';
const GHOST = '@_irc_ghost:hs.test';
/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const cleanup = createCleanup();
let irc: TestAppservice;
let server: TestServer;
let romeo: TestUser;
let roomId: string;

beforeAll(async () => {
  irc = cleanup.use(await startAppservice({ url: null }));
  server = cleanup.use(await startServer({ config: { appservices: [irc.file] } }));
  romeo = await server.user('romeo');
  roomId = await romeo.createRoom({ preset: 'public_chat' });
  await call('POST', '/register', { type: 'm.login.application_service', user: '_irc_ghost', inhibit_login: true }, {});
  await call('POST', `/join/${encodeURIComponent(roomId)}`);
});
afterAll(() => cleanup.run());

const call = (method: string, path: string, body?: unknown, as: { userId?: string; deviceId?: string } = { userId: GHOST }) =>
  irc.call(server.url, method, `${CLIENT}${path}`, body, as);

test('without a device a service talks, reads, syncs and shows itself as its user', async () => {
  const room = `/rooms/${encodeURIComponent(roomId)}`;
  const txnId = nameOf('same');
  const send = () => call('PUT', `${room}/send/m.room.message/${txnId}`, { msgtype: 'm.text', body: 'hark' });
  const first = await send();
  expect(first.status).toBe(200);
  expect((await send()).body).toEqual(first.body);
  await expect(romeo.nextMessage(roomId)).resolves.toMatchObject({ sender: GHOST, content: { body: 'hark' } });

  expect((await call('PUT', `/profile/${GHOST}/displayname`, { displayname: 'Ghost' })).status).toBe(200);
  await expect(romeo.call('GET', `${CLIENT}/profile/${GHOST}`)).resolves.toMatchObject({ displayname: 'Ghost' });
  await expect(call('GET', '/joined_rooms')).resolves.toMatchObject({ status: 200, body: { joined_rooms: [roomId] } });
  const sync = await call('GET', '/sync');
  expect(sync).toMatchObject({ status: 200, body: { rooms: { join: { [roomId]: expect.anything() } } } });
  expect((await call('GET', `/sync?since=${String(sync.body['next_batch'])}&timeout=0`)).status).toBe(200);
  expect((await call('PUT', `${room}/typing/${GHOST}`, { typing: true })).status).toBe(200);
});

test("a service replaces its users' cross-signing keys without proof", async () => {
  const deviceId = nameOf('HELM');
  expect((await call('PUT', `/devices/${deviceId}`, {})).status).toBe(201);
  const as = { userId: GHOST, deviceId };
  const pair = createKeyPair();
  const ghost = { id: GHOST, deviceId };
  expect((await call('POST', '/keys/upload', { device_keys: await createDeviceKeys(ghost, pair) }, as)).status).toBe(200);
  for (let round = 0; round < 2; round += 1) {
    const { upload, master } = await createCrossSigning(ghost as TestUser, pair);
    expect(await call('POST', '/keys/device_signing/upload', upload, as)).toMatchObject({ status: 200, body: {} });
    const { body } = await call('POST', '/keys/query', { device_keys: { [GHOST]: [] } }, as);
    expect(JSON.stringify(body['master_keys'])).toContain(master.publicKey);
  }
});

test('no operation falls over a requester that has no device', async () => {
  const served = new Set(server.routes().map(({ endpoint }) => endpoint));
  const { body } = await call('PUT', `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/other`, { msgtype: 'm.text', body: 'x' });
  const params = {
    roomId,
    roomIdOrAlias: roomId,
    eventId: String(body['event_id']),
    userId: GHOST,
    serverName: 'hs.test',
    scope: 'global',
    kind: 'underride',
  };
  const encoded = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, encodeURIComponent(value)]));
  const last = ['deactivateAccount', 'logout', 'logout_all', 'leaveRoom', 'forgetRoom'];
  const order = endpointsByApi.client.filter((each) => served.has(each) && each.auth !== 'none');
  for (const endpoint of [...order.filter(({ id }) => !last.includes(id)), ...order.filter(({ id }) => last.includes(id))]) {
    const query = requiredOf(endpoint.query).map((key) => `${key}=${String(plainValueOf(propertiesOf(endpoint.query)[key] ?? {}))}`);
    const path = `${fillPath(endpoint, encoded)}?${[...query, 'timeout=0'].join('&')}`;
    const given = endpoint.method === 'GET' ? undefined : endpoint.body === 'raw' ? {} : plainValueOf(endpoint.body);
    const answer = await callRaw(endpoint.method, path, given);
    expect(answer, endpoint.id).toBeLessThan(500);
  }
});

async function callRaw(method: string, path: string, body: unknown): Promise<number> {
  const response = await fetch(`${server.url}${path}&user_id=${encodeURIComponent(GHOST)}`, {
    method,
    headers: { authorization: `Bearer ${String(irc.registration['as_token'])}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  await response.body?.cancel();
  return response.status;
}
