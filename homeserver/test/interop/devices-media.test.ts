import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCrossSigning, setUpDevice } from '../client-api/crypto-device.ts';
import type { TestUser } from '../kit/test-user.ts';
import { isTheirs, lacks, whyNot } from './limits.ts';
import { hasOtherSide, otherSideName, type Sides, startSides, syncUntil, V3, WAIT } from './sides.ts';

const TIMEOUT_MS = 120_000;
/** One red pixel. */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');

describe.skipIf(!hasOtherSide).each([
  { direction: `what is ours is asked for by ${otherSideName}`, weOwn: true },
  { direction: `what belongs to ${otherSideName} is asked for by us`, weOwn: false },
])('$direction', { timeout: TIMEOUT_MS }, ({ weOwn }) => {
  let sides: Sides;
  let owner: TestUser;
  let asker: TestUser;
  let askerUrl: string;
  let ownerUrl: string;

  beforeAll(async () => {
    sides = await startSides();
    const [owning, asking] = weOwn ? [sides.ours, sides.theirs] : [sides.theirs, sides.ours];
    askerUrl = asking.url;
    ownerUrl = owning.url;
    owner = await owning.user('owner');
    asker = await asking.user('asker');
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await asker.join(roomId, { via: [owning.name] });
    await syncUntil(owner, (body) => (JSON.stringify(body.rooms?.join?.[roomId] ?? {}).includes(asker.id) ? true : undefined));
    await asker.sync();
  });
  afterAll(async () => await sides[Symbol.asyncDispose]());

  const query = async () => await asker.call('POST', `${V3}/keys/query`, { device_keys: { [owner.id]: [] } });

  test('device keys are found, claimed, and their change is told', async () => {
    const { deviceKeys } = await setUpDevice(owner, 2);
    const changed = await syncUntil(asker, (body) => body.device_lists?.changed?.find((id) => id === owner.id));
    expect(changed).toBe(owner.id);
    const devices = async () =>
      ((await query())['device_keys'] as Record<string, Record<string, { keys: object }>>)[owner.id]?.[owner.deviceId]?.keys;
    await expect.poll(devices, WAIT).toEqual(deviceKeys.keys);
    const claimed = await asker.call('POST', `${V3}/keys/claim`, {
      one_time_keys: { [owner.id]: { [owner.deviceId]: 'signed_curve25519' } },
    });
    expect(claimed).toMatchObject({ failures: {}, one_time_keys: { [owner.id]: { [owner.deviceId]: expect.any(Object) } } });
  });

  test('a message to a device arrives once', async () => {
    await asker.call('PUT', `${V3}/sendToDevice/m.interop/${Date.now()}`, { messages: { [owner.id]: { [owner.deviceId]: { n: 1 } } } });
    const event = await syncUntil(owner, (body) => body.to_device?.events.find(({ type }) => type === 'm.interop'));
    expect(event).toMatchObject({ sender: asker.id, content: { n: 1 } });
  });

  test('cross-signing keys are found', async (context) => {
    const limit = 'cross-signing keys without a password';
    context.skip(isTheirs(owner) && lacks(limit), whyNot(limit));
    const device = await setUpDevice(owner);
    const { upload, master, selfSigning } = await createCrossSigning(owner, device.pair);
    const uploaded = await owner.attempt('POST', `${V3}/keys/device_signing/upload`, upload);
    expect(uploaded.status).toBe(200);
    const found = async () => {
      const body = (await query()) as Record<string, Record<string, { keys: Record<string, string> }>>;
      return [body['master_keys'], body['self_signing_keys']].map((keys) => Object.values(keys?.[owner.id]?.keys ?? {})[0]);
    };
    await expect.poll(found, WAIT).toEqual([master.publicKey, selfSigning.publicKey]);
  });

  test('a file is fetched, and its thumbnail', async () => {
    const upload = await fetch(`${ownerUrl}/_matrix/media/v3/upload?filename=pixel.png`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.accessToken}`, 'content-type': 'image/png' },
      body: PNG,
    });
    const { content_uri: uri } = (await upload.json()) as { content_uri: string };
    const place = uri.slice('mxc://'.length);
    const get = (path: string) =>
      fetch(`${askerUrl}/_matrix/client/v1/media/${path}`, { headers: { authorization: `Bearer ${asker.accessToken}` } });
    const file = await get(`download/${place}`);
    expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(Buffer.from(await file.arrayBuffer()).equals(PNG)).toBe(true);
    const thumbnail = await get(`thumbnail/${place}?width=32&height=32&method=scale`);
    expect([thumbnail.status, thumbnail.headers.get('content-type')?.startsWith('image/')]).toEqual([200, true]);
  });

  test('a display name that changes is told to the rooms', async () => {
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await asker.join(roomId, { via: [owner.id.slice(owner.id.indexOf(':') + 1)] });
    await owner.call('PUT', `${V3}/profile/${encodeURIComponent(owner.id)}/displayname`, { displayname: 'Renamed' });
    const name = async () => (await asker.state(roomId)).find((event) => event.state_key === owner.id)?.content['displayname'];
    await expect.poll(name, WAIT).toBe('Renamed');
  });
});
