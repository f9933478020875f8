import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDeviceKeys } from '../client-api/crypto-device.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let roomId: string;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  roomId = await romeo.createRoom({ preset: 'public_chat' });
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const queryKeys = (userId: string) => romeo.call('POST', '/_matrix/client/v3/keys/query', { device_keys: { [userId]: [] } });

test('a server that writes null for what is not there, and lists a device without keys, is understood', async () => {
  const { userId } = await peer.join(servers.at(0), roomId, 'tybalt');
  const keys = await createDeviceKeys({ id: userId, deviceId: 'SWORD' });
  const devices = [
    { device_id: 'SWORD', keys, device_display_name: null },
    { device_id: 'BARE', device_display_name: 'no keys' },
    { device_id: 'ODD', keys: { algorithms: 'none' } },
  ];
  peer.answer((_method, path) =>
    path.includes('/user/devices/') ? { user_id: userId, stream_id: 7, devices, master_key: null, self_signing_key: null } : undefined,
  );

  const answer = await queryKeys(userId);
  expect(answer['failures']).toEqual({});
  expect(Object.keys((answer['device_keys'] as Record<string, object>)[userId] ?? {})).toEqual(['SWORD']);
});

test('one device with odd keys does not hide the others of a server nobody shares a room with', async () => {
  const userId = `@mercutio:${peer.name}`;
  const keys = await createDeviceKeys({ id: userId, deviceId: 'WIT' });
  peer.answer((_method, path) =>
    path.endsWith('/user/keys/query')
      ? { device_keys: { [userId]: { WIT: keys, ODD: { algorithms: 'none' } } }, master_keys: null, self_signing_keys: null }
      : undefined,
  );

  const answer = await queryKeys(userId);
  expect(answer['failures']).toEqual({});
  expect(Object.keys((answer['device_keys'] as Record<string, object>)[userId] ?? {})).toEqual(['WIT']);
});

test('an update of a device list with null for its keys and links is taken as one without', async () => {
  const { userId } = await peer.join(servers.at(0), roomId, nameOf('paris'));
  const keys = await createDeviceKeys({ id: userId, deviceId: 'RING' });
  peer.answer((_method, path) =>
    path.includes('/user/devices/') ? { user_id: userId, stream_id: 3, devices: [{ device_id: 'RING', keys }] } : undefined,
  );
  await queryKeys(userId);
  await romeo.sync();

  const content = {
    user_id: userId,
    device_id: 'RING',
    stream_id: 4,
    prev_id: null,
    device_display_name: 'Ring',
    keys: null,
    deleted: null,
  };
  await peer.sendPdus(servers.at(0), [], [{ edu_type: 'm.device_list_update', content }]);
  await expect
    .poll(async () => ((await romeo.sync())['device_lists'] as { changed?: string[] } | undefined)?.changed ?? [], { timeout: 15_000 })
    .toContain(userId);
});

test('one odd person, device or key among a server’s answers does not hide the others', async () => {
  const tell = (user: string) => `@${user}:${peer.name}`;
  const { userId } = await peer.join(servers.at(0), roomId, nameOf('benvolio'));
  const keys = await createDeviceKeys({ id: userId, deviceId: 'PEACE' });
  const devices = [null, { device_id: 5, keys }, { keys }, { device_id: 'PEACE', keys }];
  peer.answer((_method, path) => (path.includes('/user/devices/') ? { user_id: userId, stream_id: 7, devices } : undefined));
  const known = await queryKeys(userId);
  expect(known['failures']).toEqual({});
  expect(Object.keys((known['device_keys'] as Record<string, object>)[userId] ?? {})).toEqual(['PEACE']);

  const wit = await createDeviceKeys({ id: tell('wit'), deviceId: 'WIT' });
  peer.answer((_method, path) =>
    path.endsWith('/user/keys/query') ? { device_keys: { [tell('wit')]: { WIT: wit, NULL: null }, [tell('nobody')]: null } } : undefined,
  );
  const strangers = await romeo.call('POST', '/_matrix/client/v3/keys/query', { device_keys: { [tell('wit')]: [], [tell('nobody')]: [] } });
  expect(strangers['failures']).toEqual({});
  expect(strangers['device_keys']).toEqual({ [tell('wit')]: { WIT: wit }, [tell('nobody')]: {} });

  const good = { 'signed_curve25519:A': { key: 'abc', signatures: {} } };
  const claimed = { GOOD: good, ODD: { 'signed_curve25519:B': 5 }, NONE: null };
  peer.answer((_method, path) =>
    path.endsWith('/user/keys/claim') ? { one_time_keys: { [tell('wit')]: claimed, [tell('nobody')]: null } } : undefined,
  );
  const wanted = { GOOD: 'signed_curve25519', ODD: 'signed_curve25519', NONE: 'signed_curve25519' };
  const claim = await romeo.call('POST', '/_matrix/client/v3/keys/claim', {
    one_time_keys: { [tell('wit')]: wanted, [tell('nobody')]: { X: 'signed_curve25519' } },
  });
  expect(claim).toEqual({ failures: {}, one_time_keys: { [tell('wit')]: { GOOD: good } } });
});
