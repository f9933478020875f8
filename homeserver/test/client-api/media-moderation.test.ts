import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { placeMedia, readMedia, uploadMedia } from './media-client.ts';

const ADMIN = '/_synapse/admin/v1';
const clock = createFakeClock();
let server: TestServer;
let admin: TestUser;
let romeo: TestUser;
beforeAll(async () => {
  server = await startServer({ clock, config: { mediaQuotaBytes: 100_000 } });
  admin = await server.user('prince');
  romeo = await server.user('romeo');
  await server.sql`update accounts set is_admin = true where user_nid = (select user_nid from users where user_id = ${admin.id})`;
  await server.restart();
});
afterAll(() => server[Symbol.asyncDispose]());

const status = async (place: string): Promise<number> => (await readMedia(server, romeo, `download/${place}`)).status;
const idOf = (place: string): string => place.split('/')[1] ?? '';

describe('quarantine', () => {
  test('withholds a file, its thumbnails and its copies, until it is released', async () => {
    const place = await placeMedia(server, romeo, 'poison', { contentType: 'text/plain' });
    const copy = await placeMedia(server, romeo, 'poison', { contentType: 'text/plain' });
    await admin.call('POST', `${ADMIN}/media/quarantine/${place}`, {});
    expect([await status(place), await status(copy)]).toEqual([404, 404]);
    expect((await readMedia(server, romeo, `thumbnail/${place}?width=32&height=32`)).status).toBe(404);
    const again = await placeMedia(server, romeo, 'poison', { contentType: 'text/plain' });
    expect(await status(again)).toBe(404);

    await admin.call('POST', `${ADMIN}/media/unquarantine/${place}`, {});
    expect([await status(place), await status(copy), await status(again)]).toEqual([200, 200, 200]);
  });

  test('of a room withholds what its events name', async () => {
    const roomId = await romeo.createRoom();
    const files = ['one', 'two', 'three'].map((bytes) => `${bytes} of ${roomId}`);
    const [shown, thumbnail, kept] = await Promise.all(files.map((bytes) => placeMedia(server, romeo, bytes)));
    await romeo.send(
      roomId,
      { msgtype: 'm.image', body: 'x', url: `mxc://${shown}`, info: { thumbnail_url: `mxc://${thumbnail}` } },
      'm.room.message',
    );
    await romeo.send(roomId, { msgtype: 'm.image', body: 'x', url: 'mxc://elsewhere.test/abc' }, 'm.room.message');

    const listed = await admin.call('GET', `${ADMIN}/room/${roomId}/media`);
    expect(new Set(listed['local'] as string[])).toEqual(new Set([`mxc://${shown}`, `mxc://${thumbnail}`]));
    expect(listed['remote']).toEqual(['mxc://elsewhere.test/abc']);
    expect(await admin.call('POST', `${ADMIN}/room/${roomId}/media/quarantine`, {})).toEqual({ num_quarantined: 2 });
    expect(await admin.call('POST', `${ADMIN}/quarantine_media/${roomId}`, {})).toEqual({ num_quarantined: 0 });
    expect(await Promise.all([shown, thumbnail, kept].map((place) => status(place ?? '')))).toEqual([404, 404, 200]);
  });

  test('of a person withholds all they uploaded', async () => {
    const tybalt = await server.user('tybalt');
    const places = await Promise.all(['a1', 'a2'].map((bytes) => placeMedia(server, tybalt, bytes + tybalt.id)));
    expect(await admin.call('POST', `${ADMIN}/user/${tybalt.id}/media/quarantine`, {})).toEqual({ num_quarantined: 2 });
    expect(await Promise.all(places.map(status))).toEqual([404, 404]);
  });
});

describe('a protected file', () => {
  const protect = (place: string, word = 'protect') => admin.call('POST', `${ADMIN}/media/${word}/${idOf(place)}`, {});
  const info = async (place: string) => (await admin.call('GET', `${ADMIN}/media/${place}`))['media_info'];

  test('is not withheld with what it stands among, until it is protected no more', async () => {
    const rosaline = await server.user('rosaline');
    const [emblem, letter] = [
      await placeMedia(server, rosaline, `emblem of ${rosaline.id}`),
      await placeMedia(server, rosaline, `letter of ${rosaline.id}`),
    ];
    await protect(emblem);
    expect(await admin.call('POST', `${ADMIN}/user/${rosaline.id}/media/quarantine`, {})).toEqual({ num_quarantined: 1 });
    await admin.call('POST', `${ADMIN}/media/quarantine/${emblem}`, {});
    expect([await status(emblem), await status(letter)]).toEqual([200, 404]);
    const listed = await admin.call('GET', `${ADMIN}/users/${rosaline.id}/media`);
    expect(listed['media']).toContainEqual(expect.objectContaining({ media_id: idOf(emblem), safe_from_quarantine: true }));

    await protect(emblem, 'unprotect');
    await admin.call('POST', `${ADMIN}/media/quarantine/${emblem}`, {});
    expect(await status(emblem)).toBe(404);
    expect(await admin.attempt('POST', `${ADMIN}/media/protect/nothing`, {})).toMatchObject({ status: 404 });
  });

  test('and any other tells an admin what is known of it', async () => {
    const sampson = await server.user('sampson');
    const place = await placeMedia(server, sampson, 'I bite my thumb', { contentType: 'text/plain', fileName: 'thumb.txt' });
    expect(await info(place)).toMatchObject({
      media_id: idOf(place),
      media_origin: null,
      user_id: sampson.id,
      media_type: 'text/plain',
      media_length: 15,
      upload_name: 'thumb.txt',
      quarantined_by: null,
      safe_from_quarantine: false,
      authenticated: true,
      sha256: createHash('sha256').update('I bite my thumb').digest('hex'),
    });
    await admin.call('POST', `${ADMIN}/media/quarantine/elsewhere.test/poison`, {});
    expect(await info('elsewhere.test/poison')).toMatchObject({
      media_origin: 'elsewhere.test',
      user_id: null,
      media_length: null,
      quarantined_by: 'admin',
    });
    expect(await admin.attempt('GET', `${ADMIN}/media/hs.test/nothing`)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  });
});

describe('removal', () => {
  test('of a file gives its space back', async () => {
    const paris = await server.user('paris');
    const place = await placeMedia(server, paris, new Uint8Array(90_000));
    expect((await uploadMedia(server, paris, new Uint8Array(20_000))).status).toBe(403);
    expect(await admin.call('DELETE', `${ADMIN}/media/${place}`)).toEqual({ deleted_media: [idOf(place)], total: 1 });
    expect(await status(place)).toBe(404);
    expect((await uploadMedia(server, paris, new Uint8Array(20_000))).status).toBe(200);
    expect(await server.sql`select 1 from media_garbage`).toHaveLength(0);
    expect(await admin.attempt('DELETE', `${ADMIN}/media/${place}`)).toMatchObject({ status: 404 });
    expect(await admin.attempt('DELETE', `${ADMIN}/media/elsewhere.test/abc`)).toMatchObject({ status: 400 });
  });

  test('of a person’s files, which can be listed before', async () => {
    const nurse = await server.user('nurse');
    const place = await placeMedia(server, nurse, 'mine', { contentType: 'text/plain', fileName: 'letter.txt' });
    expect(await admin.call('GET', `${ADMIN}/users/${nurse.id}/media`)).toMatchObject({
      total: 1,
      media: [{ media_id: idOf(place), media_type: 'text/plain', media_length: 4, upload_name: 'letter.txt', quarantined_by: null }],
    });
    expect(await admin.call('DELETE', `${ADMIN}/users/${nurse.id}/media`)).toEqual({ deleted_media: [idOf(place)], total: 1 });
    expect(await status(place)).toBe(404);
  });

  test('of what was not read for long, but for what a profile or a room shows', async () => {
    const friar = await server.user('friar');
    const avatar = await placeMedia(server, friar, 'avatar');
    const letter = await placeMedia(server, friar, 'letter');
    await friar.call('PUT', `/_matrix/client/v3/profile/${friar.id}/avatar_url`, { avatar_url: `mxc://${avatar}` });
    const [arms, oldArms] = [await placeMedia(server, friar, 'arms'), await placeMedia(server, friar, 'old arms')];
    const roomId = await friar.createRoom();
    for (const shown of [oldArms, arms]) await friar.setState(roomId, 'm.room.avatar', { url: `mxc://${shown}` });
    clock.advance(1_000);
    const young = await placeMedia(server, friar, 'young');
    const gone = await admin.call('POST', `${ADMIN}/media/delete?before_ts=${clock.now()}`, {});
    expect(gone['deleted_media']).toContain(idOf(letter));
    expect(gone['deleted_media']).not.toContain(idOf(avatar));
    expect(await Promise.all([avatar, arms, letter, oldArms, young].map(status))).toEqual([200, 200, 404, 404, 200]);
  });

  test('is for admins only', async () => {
    for (const [method, path] of [
      ['POST', '/room/!x:hs.test/media/quarantine'],
      ['POST', '/user/@x:hs.test/media/quarantine'],
      ['POST', '/media/quarantine/hs.test/x'],
      ['POST', '/media/unquarantine/hs.test/x'],
      ['GET', '/room/!x:hs.test/media'],
      ['DELETE', '/media/hs.test/x'],
      ['GET', '/media/hs.test/x'],
      ['POST', '/media/protect/x'],
      ['POST', '/media/unprotect/x'],
      ['POST', '/media/delete?before_ts=1'],
      ['POST', '/purge_media_cache?before_ts=1'],
      ['GET', '/users/@x:hs.test/media'],
      ['DELETE', '/users/@x:hs.test/media'],
    ] as const)
      expect(await romeo.attempt(method, `${ADMIN}${path}`, method === 'POST' ? {} : undefined)).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN' },
      });
  });
});
