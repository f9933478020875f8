import { CryptoEvent, type VerificationRequest, VerifierEvent } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { expect, test } from 'vitest';
import { createOneTimeKey, setUpDevice } from '../client-api/crypto-device.ts';
import { ENCRYPTED, type IndependentClient, nextText, startClient } from '../client-api/independent-client.ts';
import { describeBothWays } from './both-ways.ts';
import { isTheirs, lacks } from './limits.ts';
import { syncUntil, V3, WAIT } from './sides.ts';

const SAS = 'm.sas.v1';
type Keys = Record<string, Record<string, Record<string, { fallback?: boolean }>>>;

describeBothWays((stage) => {
  /** Compares emoji with whoever is at the other end, and agrees. */
  async function compare(request: VerificationRequest, begins: boolean): Promise<void> {
    if (begins) await expect.poll(() => request.otherPartySupportsMethod(SAS), WAIT).toBe(true);
    else await expect.poll(() => request.verifier !== undefined, WAIT).toBe(true);
    const verifier = begins ? await request.startVerification(SAS) : request.verifier;
    if (verifier === undefined) throw new Error('nothing was begun');
    verifier.on(VerifierEvent.ShowSas, (sas) => void sas.confirm());
    await verifier.verify();
  }

  const knowsDeviceOf = (client: IndependentClient, userId: string) => async () =>
    (await client.matrix.getCrypto()?.getUserDeviceInfo([userId], true))?.get(userId)?.size ?? 0;

  test('messages are read across, and people verify each other by emoji', async () => {
    const { host, guest, hosting, visiting, via } = stage;
    await using hostClient = await startClient(hosting, host);
    await using guestClient = await startClient(visiting, guest);
    const roomId = await host.createRoom({ preset: 'private_chat', invite: [guest.id], initial_state: ENCRYPTED });
    await expect.poll(() => guestClient.matrix.getRoom(roomId)?.getMyMembership(), WAIT).toBe('invite');
    await guest.join(roomId, via);
    await expect.poll(() => hostClient.matrix.getRoom(roomId)?.getJoinedMemberCount(), WAIT).toBe(2);
    await expect.poll(() => guestClient.matrix.getRoom(roomId)?.hasEncryptionStateEvent(), WAIT).toBe(true);
    await expect.poll(knowsDeviceOf(hostClient, guest.id), WAIT).toBeGreaterThan(0);
    await expect.poll(knowsDeviceOf(guestClient, host.id), WAIT).toBeGreaterThan(0);

    const heard = nextText(guestClient, roomId);
    await hostClient.matrix.sendTextMessage(roomId, 'thus with a kiss I die');
    expect(await heard).toBe('thus with a kiss I die');
    const answered = nextText(hostClient, roomId);
    await guestClient.matrix.sendTextMessage(roomId, 'O happy dagger');
    expect(await answered).toBe('O happy dagger');

    const asked = new Promise<VerificationRequest>((resolve) => {
      guestClient.matrix.once(CryptoEvent.VerificationRequestReceived, resolve);
    });
    const request = await hostClient.matrix.getCrypto()?.requestDeviceVerification(guest.id, guest.deviceId);
    if (request === undefined) throw new Error('no verification could be asked for');
    const received = await asked;
    expect([received.otherUserId, received.otherDeviceId]).toEqual([host.id, host.deviceId]);
    await received.accept();
    await Promise.all([compare(request, true), compare(received, false)]);
    const isVerified = async (client: IndependentClient, user: { id: string; deviceId: string }) =>
      (await client.matrix.getCrypto()?.getDeviceVerificationStatus(user.id, user.deviceId))?.localVerified;
    await expect.poll(() => isVerified(hostClient, guest), WAIT).toBe(true);
    await expect.poll(() => isVerified(guestClient, host), WAIT).toBe(true);
  });

  test('keys are claimed one by one, then the fallback key again and again', async () => {
    const { guest, hosting } = stage;
    const owner = await hosting.user('owner');
    const { pair } = await setUpDevice(owner, 2);
    const fallback = await createOneTimeKey(owner, pair, { fallback: true });
    await owner.call('POST', `${V3}/keys/upload`, { fallback_keys: { 'signed_curve25519:F': fallback } });
    const claim = async () => {
      const wanted = { one_time_keys: { [owner.id]: { [owner.deviceId]: 'signed_curve25519' } } };
      const keys = ((await guest.call('POST', `${V3}/keys/claim`, wanted))['one_time_keys'] as Keys)[owner.id]?.[owner.deviceId];
      return Object.keys(keys ?? {})[0];
    };
    const claimed = [await claim(), await claim(), await claim(), await claim()];
    expect(claimed.slice(0, 2).sort()).toEqual(['signed_curve25519:K0', 'signed_curve25519:K1']);
    const last = isTheirs(owner) && lacks('fallback keys') ? undefined : 'signed_curve25519:F';
    expect(claimed.slice(2)).toEqual([last, last]);
  });

  test('a device that is gone is told, and its keys are no longer given', async () => {
    const { guest, hosting, visiting } = stage;
    const owner = await hosting.user('owner');
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId, { via: [hosting.name] });
    await stage.seen(owner, roomId, guest.id, 'join');
    expect(visiting.name).not.toBe(hosting.name);
    await setUpDevice(owner);
    const devices = async () => {
      const body = await guest.call('POST', `${V3}/keys/query`, { device_keys: { [owner.id]: [] } });
      return Object.keys((body['device_keys'] as Record<string, object>)[owner.id] ?? {});
    };
    await expect.poll(devices, WAIT).toEqual([owner.deviceId]);
    await guest.sync();
    await owner.call('POST', `${V3}/logout`, {});
    await syncUntil(guest, (body) => body.device_lists?.changed?.find((id) => id === owner.id));
    await expect.poll(devices, WAIT).toEqual([]);
  });

  test('a large file is fetched whole', async () => {
    const { host, guest, hosting, visiting } = stage;
    const file = Buffer.alloc(8 * 1024 * 1024, 'all the world’s a stage ');
    const upload = await fetch(`${hosting.url}/_matrix/media/v3/upload?filename=play.bin`, {
      method: 'POST',
      headers: { authorization: `Bearer ${host.accessToken}`, 'content-type': 'application/octet-stream' },
      body: file,
    });
    const { content_uri: uri } = (await upload.json()) as { content_uri: string };
    const got = await fetch(`${visiting.url}/_matrix/client/v1/media/download/${uri.slice('mxc://'.length)}`, {
      headers: { authorization: `Bearer ${guest.accessToken}` },
    });
    expect(got.status).toBe(200);
    expect(Buffer.from(await got.arrayBuffer()).equals(file)).toBe(true);
    const missing = await guest.attempt('GET', `/_matrix/client/v1/media/download/${hosting.name}/nothing-of-the-kind`);
    expect([missing.status, missing.body['errcode']]).toEqual([404, 'M_NOT_FOUND']);
  });
});
