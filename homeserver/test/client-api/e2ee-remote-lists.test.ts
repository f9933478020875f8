import { expect, test } from 'vitest';
import { createE2ee, type E2eeNetwork } from '../../src/domain/e2ee/create-e2ee.ts';
import { createOwedMessages } from '../../src/domain/e2ee/owed-messages.ts';
import type { RemoteDevices } from '../../src/domain/e2ee/remote-device-lists.ts';
import { createLog } from '../../src/domain/streams/log.ts';
import { createNotifier } from '../../src/domain/streams/notifier.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { connectDatabase } from '../../src/storage/database.ts';
import { takeLog } from '../../src/storage/log-head.ts';
import { internUsers } from '../../src/storage/users.ts';
import { createIsolatedE2eeNetwork } from '../kit/isolated-network.ts';
import { createTestDatabase } from '../kit/shared-postgres.ts';
import { createDeviceKeys } from './crypto-device.ts';

const ROMEO = '@romeo:hs.test';
const JULIET = '@juliet:peer.test';

/** The keys of this server's side, with one room that Romeo of here and Juliet of a peer are in; the peer's answers are given by hand. */
async function setUp(network: Partial<E2eeNetwork>) {
  const testDatabase = await createTestDatabase();
  const database = connectDatabase(testDatabase.address);
  const { sql } = database;
  const notifier = createNotifier();
  const head = await takeLog(sql);
  const log = createLog({ database, head, logger: silentLogger, committed: notifier.publish, lost: () => undefined });
  const ground = { pool: sql, log, notifier, clock: systemClock, random: systemRandom, logger: silentLogger, serverName: 'hs.test' };
  const nobody = { askForOneTimeKeys: async () => ({}), askForKeys: async () => ({ deviceKeys: {}, masterKeys: {}, selfSigningKeys: {} }) };
  const owed = await createOwedMessages({ pool: sql, adminContact: undefined });
  const e2ee = createE2ee({ ...ground, owed, ...nobody, ...createIsolatedE2eeNetwork(), ...network });

  const nids = await internUsers(sql, [ROMEO, JULIET], 'hs.test');
  const [romeo = 0, juliet = 0] = [nids.get(ROMEO), nids.get(JULIET)];
  const [room] = await sql<{ roomNid: number }[]>`insert into rooms (room_id, version) values ('!r', '12') returning room_nid as "roomNid"`;
  for (const userNid of [romeo, juliet]) {
    await sql`insert into memberships (room_nid, user_nid, membership, position) values (${room?.roomNid ?? 0}, ${userNid}, 2, 0)`;
  }
  await sql`insert into accounts (user_nid, created_at) values (${romeo}, 0)`;
  await sql`insert into devices (user_nid, device_id, created_at) values (${romeo}, 'LUTE', 0)`;
  await log.append({ rows: [{ write: async () => undefined, wakes: {} }] });
  const devicesOf = async () => {
    const answer = await e2ee.queryKeys.forClient({ userNid: romeo }, { [JULIET]: [] }, 1_000);
    return Object.keys(answer.deviceKeys[JULIET] ?? {}).sort();
  };
  const changedSince = (after: number) => e2ee.deviceLists.listChanges({ userNid: romeo, after, upTo: log.position() });
  return {
    e2ee,
    log,
    sql,
    romeo,
    devicesOf,
    changedSince,
    async [Symbol.asyncDispose]() {
      await log.drained();
      await database.close();
      await testDatabase[Symbol.asyncDispose]();
    },
  };
}

const keysOf = (deviceId: string) => createDeviceKeys({ id: JULIET, deviceId });
const update = async (deviceId: string, streamId: number, prevId: number[], extra: object = {}) => ({
  user_id: JULIET,
  device_id: deviceId,
  stream_id: streamId,
  prev_id: prevId,
  keys: await keysOf(deviceId),
  ...extra,
});

/** A peer that tells these devices, and counts how often it is asked. */
async function peerWith(streamId: number, deviceIds: readonly string[]) {
  const peer = { asked: 0, answer: await answerOf(streamId, deviceIds) };
  const fetchRemoteDevices = async () => {
    peer.asked += 1;
    return peer.answer;
  };
  return { peer, fetchRemoteDevices };
}

async function answerOf(streamId: number, deviceIds: readonly string[]): Promise<RemoteDevices> {
  const devices = await Promise.all(deviceIds.map(async (deviceId) => ({ deviceId, keys: { ...(await keysOf(deviceId)) } })));
  return { streamId, devices };
}

test('a list is asked for once; updates that follow it are applied; one that skips makes it asked for again', async () => {
  const { peer, fetchRemoteDevices } = await peerWith(10, ['A']);
  await using here = await setUp({ fetchRemoteDevices });
  expect(await here.devicesOf()).toEqual(['A']);
  await here.e2ee.remoteDeviceLists.receiveDeviceListUpdate('peer.test', await update('B', 11, [10]));
  expect(await here.devicesOf()).toEqual(['A', 'B']);
  await here.e2ee.remoteDeviceLists.receiveDeviceListUpdate('peer.test', await update('A', 12, [11], { deleted: true, keys: undefined }));
  expect(await here.devicesOf()).toEqual(['B']);
  expect(peer.asked).toBe(1);

  peer.answer = await answerOf(15, ['B', 'C']);
  const before = here.log.position();
  await here.e2ee.remoteDeviceLists.receiveDeviceListUpdate('peer.test', await update('D', 15, [14]));
  expect(await here.changedSince(before)).toEqual({ changed: [JULIET], left: [] });
  expect(await here.devicesOf()).toEqual(['B', 'C']);
  expect(peer.asked).toBe(2);
});

test('an update that comes twice, or late, changes nothing', async () => {
  const { fetchRemoteDevices } = await peerWith(10, ['A']);
  await using here = await setUp({ fetchRemoteDevices });
  await here.devicesOf();
  const first = await update('B', 11, [10]);
  await here.e2ee.remoteDeviceLists.receiveDeviceListUpdate('peer.test', first);
  const before = here.log.position();
  await here.e2ee.remoteDeviceLists.receiveDeviceListUpdate('peer.test', first);
  await here.e2ee.remoteDeviceLists.receiveDeviceListUpdate('peer.test', await update('A', 9, [8], { deleted: true, keys: undefined }));
  expect(here.log.position()).toBe(before);
  expect(await here.devicesOf()).toEqual(['A', 'B']);
});

test('S26: updates of other servers’ users, and unsound keys, reach nobody', async () => {
  const { peer, fetchRemoteDevices } = await peerWith(10, ['A']);
  await using here = await setUp({ fetchRemoteDevices });
  await here.devicesOf();
  const { receiveDeviceListUpdate, receiveSigningKeyUpdate } = here.e2ee.remoteDeviceLists;
  const before = here.log.position();
  await receiveDeviceListUpdate('evil.test', await update('X', 11, [10]));
  await receiveDeviceListUpdate('hs.test', { ...(await update('X', 11, [10])), user_id: ROMEO });
  await receiveDeviceListUpdate('peer.test', { garbage: true });
  await receiveDeviceListUpdate('peer.test', null);
  await receiveSigningKeyUpdate('evil.test', { user_id: JULIET, master_key: { user_id: JULIET, usage: ['master'], keys: {} } });
  await receiveSigningKeyUpdate('peer.test', {
    user_id: JULIET,
    master_key: { user_id: ROMEO, usage: ['master'], keys: { a: 'b', c: 'd' } },
  });
  expect(here.log.position()).toBe(before);

  peer.answer = await answerOf(11, ['A']);
  const forged = { ...(await keysOf('X')), algorithms: ['forged'] };
  await receiveDeviceListUpdate('peer.test', await update('X', 11, [10], { keys: forged }));
  peer.answer = { ...peer.answer, devices: [...peer.answer.devices, { deviceId: 'X', keys: forged }] };
  expect(await here.devicesOf()).toEqual(['A']);
});

test('a peer that does not answer is named among the failures', async () => {
  await using here = await setUp({});
  const answer = await here.e2ee.queryKeys.forClient({ userNid: here.romeo }, { [JULIET]: [], '@x:other.test': [] }, 1_000);
  expect(Object.keys(answer.failures).sort()).toEqual(['other.test', 'peer.test']);
  expect(answer.deviceKeys).toEqual({});
});

test('a message from another server is delivered once, and only in its own users’ names', async () => {
  await using here = await setUp({});
  const message = (sender: string, id: string) => ({ sender, type: 'm.x', message_id: id, messages: { [ROMEO]: { '*': { id } } } });
  const { toDevice } = here.e2ee;
  await Promise.all([toDevice.receive('peer.test', message(JULIET, 'one')), toDevice.receive('peer.test', message(JULIET, 'one'))]);
  await toDevice.receive('peer.test', message(JULIET, 'one'));
  await toDevice.receive('peer.test', message('@paris:other.test', 'two'));
  await toDevice.receive('peer.test', { sender: JULIET });
  const device = { userNid: here.romeo, deviceId: 'LUTE' };
  const { events } = await here.e2ee.forSync.listToDevice(device, { after: 0, upTo: here.log.position(), limit: 10 });
  expect(events).toEqual([{ sender: JULIET, type: 'm.x', content: { id: 'one' } }]);
});

test('our updates name the one before them, per server, and go out with the change itself', async () => {
  await using here = await setUp({});
  const user = { userNid: here.romeo, userId: ROMEO };
  for (const deviceId of ['LUTE', 'LUTE']) {
    const keys = { ...(await createDeviceKeys({ id: ROMEO, deviceId })) };
    await here.e2ee.uploadKeys({ ...user, deviceId }, { deviceKeys: keys });
  }
  const told = await here.e2ee.listDevicesForServer('peer.test', ROMEO);
  await here.e2ee.deviceLists.commitDeviceChange(user, ['LUTE'], (sql) => sql`delete from devices where device_id = 'LUTE'`);
  const rows = await here.sql<
    { destination: string; content: string }[]
  >`select destination, content from federation_outbox order by position`;
  const contents = rows.map(({ content }) => JSON.parse(content));
  expect(rows.map(({ destination }) => destination)).toEqual(['peer.test', 'peer.test', 'peer.test']);
  expect(contents[0].prev_id).toEqual([]);
  expect(contents[1].prev_id).toEqual([contents[0].stream_id]);
  expect(contents[2]).toMatchObject({ device_id: 'LUTE', deleted: true, prev_id: [told.streamId] });
  expect(told.streamId).toBe(contents[1].stream_id);
});
