import { expect, test } from 'vitest';
import { isJsonObject, type JsonObject, objectIn, stringIn, stringsIn } from '../json.ts';
import { createCryptoEngine } from './create-crypto-engine.ts';
import type { CryptoEngine, OutgoingRequest } from './crypto-engine.ts';
import { connectCryptoEngine, serveCryptoEngine } from './crypto-port.ts';

const ROOM = '!room:example.org';
const SETTINGS = { historyVisibility: 'shared', onlyTrustedDevices: false } as const;

type Device = { userId: string; deviceId: string; engine: CryptoEngine };

/** As much of a homeserver as passes keys and to-device messages between engines. */
function createPostOffice() {
  const deviceKeys: { [userId: string]: { [deviceId: string]: JsonObject } } = {};
  const identities: { [section: string]: { [userId: string]: JsonObject } } = {};
  const oneTimeKeys = new Map<string, [string, JsonObject][]>();
  const mail = new Map<string, JsonObject[]>();

  function answer({ userId, deviceId }: Device, request: OutgoingRequest): JsonObject {
    const { body } = request;
    if (request.kind === 'keys-upload') {
      const keys = objectIn(body, 'device_keys');
      if (keys !== undefined) deviceKeys[userId] = { ...deviceKeys[userId], [deviceId]: keys };
      const own = oneTimeKeys.get(`${userId} ${deviceId}`) ?? [];
      for (const [id, key] of Object.entries(objectIn(body, 'one_time_keys') ?? {})) if (isJsonObject(key)) own.push([id, key]);
      oneTimeKeys.set(`${userId} ${deviceId}`, own);
      return { one_time_key_counts: { signed_curve25519: own.length } };
    }
    if (request.kind === 'keys-query') return { device_keys: { ...deviceKeys }, ...identities };
    if (request.kind === 'keys-claim') return { one_time_keys: claim(objectIn(body, 'one_time_keys') ?? {}) };
    if (request.kind === 'to-device') {
      for (const [to, devices] of Object.entries(objectIn(body, 'messages') ?? {})) {
        const targets = objectIn({ devices }, 'devices') ?? {};
        for (const [device, content] of Object.entries(targets)) {
          const receivers = device === '*' ? Object.keys(deviceKeys[to] ?? {}) : [device];
          for (const receiver of receivers) {
            const letter = { type: request.eventType, sender: userId, content };
            mail.set(`${to} ${receiver}`, [...(mail.get(`${to} ${receiver}`) ?? []), letter]);
          }
        }
      }
      return {};
    }
    if (request.kind === 'signature-upload') {
      const signed = objectIn(body, userId) ?? {};
      for (const [id, object] of Object.entries(signed)) {
        const known = deviceKeys[userId]?.[id];
        if (known !== undefined && isJsonObject(object))
          known['signatures'] = {
            [userId]: { ...objectIn(objectIn(known, 'signatures'), userId), ...objectIn(objectIn(object, 'signatures'), userId) },
          };
      }
      return {};
    }
    return {};
  }

  function claim(wanted: JsonObject): JsonObject {
    const claimed: JsonObject = {};
    for (const [userId, devices] of Object.entries(wanted)) {
      const byDevice: JsonObject = {};
      for (const deviceId of Object.keys(objectIn({ devices }, 'devices') ?? {})) {
        const key = oneTimeKeys.get(`${userId} ${deviceId}`)?.pop();
        if (key !== undefined) byDevice[deviceId] = { [key[0]]: key[1] };
      }
      claimed[userId] = byDevice;
    }
    return claimed;
  }

  return {
    publishIdentity(userId: string, keys: JsonObject): void {
      for (const [one, many] of [
        ['master_key', 'master_keys'],
        ['self_signing_key', 'self_signing_keys'],
        ['user_signing_key', 'user_signing_keys'],
      ] as const) {
        const key = objectIn(keys, one);
        if (key !== undefined) identities[many] = { ...identities[many], [userId]: key };
      }
    },
    async send(device: Device, requests: readonly OutgoingRequest[]): Promise<void> {
      for (const request of requests) await device.engine.markSent(request, answer(device, request));
    },
    async flush(device: Device): Promise<void> {
      for (let round = 0; round < 10; round += 1) {
        const requests = await device.engine.outgoingRequests();
        if (requests.length === 0) return;
        await this.send(device, requests);
      }
    },
    async deliver(device: Device, changed: string[] = []): Promise<void> {
      const toDevice = mail.get(`${device.userId} ${device.deviceId}`) ?? [];
      mail.delete(`${device.userId} ${device.deviceId}`);
      await device.engine.receiveSync({ toDevice, changed, left: [], oneTimeKeyCounts: undefined, unusedFallbackKeys: undefined });
      await this.flush(device);
    },
  };
}

async function createDevice(userId: string, deviceId: string, office: ReturnType<typeof createPostOffice>): Promise<Device> {
  const engine = await createCryptoEngine({ userId, deviceId, storeName: '', storeKey: new Uint8Array(32), isPersistent: false });
  const device = { userId, deviceId, engine };
  await office.flush(device);
  return device;
}

async function encryptTo(office: ReturnType<typeof createPostOffice>, from: Device, users: string[], text: string): Promise<JsonObject> {
  await from.engine.trackUsers(users);
  await office.flush(from);
  const claim = await from.engine.claimMissingSessions(users);
  if (claim !== undefined) await office.send(from, [claim]);
  await office.send(from, await from.engine.shareRoomKey(ROOM, users, SETTINGS));
  const content = await from.engine.encrypt(ROOM, 'm.room.message', { msgtype: 'm.text', body: text });
  return { type: 'm.room.encrypted', event_id: '$1', sender: from.userId, origin_server_ts: Date.now(), room_id: ROOM, content };
}

test('a message reads the same on the other side, through a port as well', async () => {
  const office = createPostOffice();
  const romeo = await createDevice('@romeo:example.org', 'BALCONY', office);
  const juliet = await createDevice('@juliet:example.org', 'WINDOW', office);
  const { port1, port2 } = new MessageChannel();
  const stopServing = serveCryptoEngine(port1, juliet.engine);
  const remote = connectCryptoEngine(port2);
  port1.start();
  port2.start();

  const event = await encryptTo(office, romeo, [romeo.userId, juliet.userId], 'But soft!');
  const early = await remote.decrypt(ROOM, [event]);
  expect(early).toEqual([{ ok: false, reason: 'missing-key' }]);

  const keys = new Promise((resolve) => {
    remote.listen((told) => {
      if (told.type === 'room-keys') resolve(told.keys);
    });
  });
  await office.deliver(juliet);
  expect(await keys).toEqual([{ roomId: ROOM, sessionId: stringIn(event['content'], 'session_id') }]);

  const [outcome] = await remote.decrypt(ROOM, [event]);
  expect(outcome).toMatchObject({ ok: true, type: 'm.room.message', content: { body: 'But soft!' } });
  stopServing();
  port1.close();
  port2.close();
});

test('a second device is verified by emoji and gets the identity from the first', async () => {
  const office = createPostOffice();
  const first = await createDevice('@romeo:example.org', 'FIRST', office);
  const requests = await first.engine.bootstrapCrossSigning(false);
  if (requests.uploadKeys !== undefined) await office.send(first, [requests.uploadKeys]);
  office.publishIdentity(first.userId, requests.uploadSigningKeys);
  await office.send(first, [requests.uploadSignatures]);
  const second = await createDevice('@romeo:example.org', 'SECOND', office);
  for (const device of [first, second]) {
    await device.engine.trackUsers([first.userId]);
    await office.deliver(device, [first.userId]);
  }
  expect(await second.engine.crossSigningStatus()).toMatchObject({ identityExists: true, deviceSigned: false, hasMaster: false });

  const emoji = new Map<Device, unknown>();
  const done = new Set<Device>();
  for (const device of [first, second]) {
    device.engine.listen((event) => {
      if (event.type === 'outgoing') void office.send(device, event.requests);
      if (event.type !== 'verification') return;
      if (event.flow.state.step === 'comparing')
        emoji.set(
          device,
          event.flow.state.emoji.map(({ index }) => index),
        );
      if (event.flow.state.step === 'done') done.add(device);
    });
  }
  const { flow, requests: asked } = await second.engine.requestSelfVerification(undefined);
  await office.send(second, asked);
  await office.deliver(first);
  await office.send(first, await first.engine.acceptVerification(first.userId, flow.flowId));

  await expect
    .poll(async () => {
      for (const device of [second, first]) await office.deliver(device);
      return emoji.size;
    })
    .toBe(2);
  expect(emoji.get(first)).toEqual(emoji.get(second));
  expect(emoji.get(first)).toHaveLength(7);

  for (const device of [second, first]) await office.send(device, await device.engine.confirmVerification(device.userId, flow.flowId));
  await expect
    .poll(async () => {
      for (const device of [second, first]) await office.deliver(device);
      return done.size;
    })
    .toBe(2);
  await second.engine.requestMissingSecrets();
  await expect
    .poll(async () => {
      for (const device of [second, first]) await office.deliver(device, [first.userId]);
      return await second.engine.crossSigningStatus();
    })
    .toMatchObject({ hasSelfSigning: true, deviceSigned: true, identityVerified: true });
  expect(stringsIn({ done: [...done].map(({ deviceId }) => deviceId).sort() }, 'done')).toEqual(['FIRST', 'SECOND']);
});
