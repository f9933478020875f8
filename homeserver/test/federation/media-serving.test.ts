import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMultipart } from '../../src/domain/federation/read-multipart.ts';
import { placeMedia } from '../client-api/media-client.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const MEDIA = '/_matrix/federation/v1/media';
let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const idOf = (place: string): string => place.slice(place.indexOf('/') + 1);
/** What another server is told, taken apart. */
async function ask(path: string) {
  const { status, headers, bytes } = await peer.open(servers.at(0), 'GET', `${MEDIA}/${path}`);
  if (status !== 200) return { status, errcode: (JSON.parse(new TextDecoder().decode(bytes)) as { errcode: string }).errcode };
  const file = await readMultipart(headers['content-type'] ?? '', Readable.from([Buffer.from(bytes)], { objectMode: false }));
  return { status, headers: file.headers, file: await buffer(file.stream), whole: new TextDecoder('latin1').decode(bytes) };
}

test('another server is given a file, with an empty object before it, and by headers that keep it harmless', async () => {
  const place = await placeMedia(servers.at(0), romeo, '<svg/>', { contentType: 'image/svg+xml', fileName: 'naïve "x".svg' });
  const told = await ask(`download/${idOf(place)}`);
  expect(told.status).toBe(200);
  expect(String(told.file)).toBe('<svg/>');
  expect(told.headers).toEqual({
    'content-type': 'image/svg+xml',
    'content-disposition': "attachment; filename*=utf-8''na%C3%AFve%20%22x%22.svg",
  });
  expect(told.whole).toMatch(/^--[\w-]+\r\nContent-Type: application\/json\r\n\r\n\{\}\r\n--/);
});

test('and a thumbnail, as clients are', async () => {
  const image = await sharp({ create: { width: 700, height: 500, channels: 3, background: '#123' } })
    .png()
    .toBuffer();
  const place = await placeMedia(servers.at(0), romeo, image, { contentType: 'image/png' });
  const told = await ask(`thumbnail/${idOf(place)}?width=32&height=32&method=crop`);
  expect(told.headers?.['content-type']).toBe('image/png');
  expect(await sharp(told.file).metadata()).toMatchObject({ width: 32, height: 32 });
  expect(await ask(`thumbnail/${idOf(place)}?width=32`)).toEqual({ status: 400, errcode: 'M_MISSING_PARAM' });
});

test('what is not here, has not come yet, or is withheld is not told, nor are the files of others', async () => {
  expect(await ask('download/nothing')).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
  expect(await ask('download/..%2F..%2Fx')).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
  const { content_uri: uri } = await romeo.call('POST', '/_matrix/media/v1/create', {});
  const announced = idOf(String(uri).slice('mxc://'.length));
  expect(await ask(`download/${announced}?timeout_ms=0`)).toEqual({ status: 504, errcode: 'M_NOT_YET_UPLOADED' });
  const place = await placeMedia(servers.at(0), romeo, 'withheld');
  await servers.at(0).sql`update media set quarantined_at = 1 where media_id = ${idOf(place)}`;
  expect(await ask(`download/${idOf(place)}`)).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
});

test('nothing without a signature', async () => {
  const place = await placeMedia(servers.at(0), romeo, 'x');
  for (const path of [`download/${idOf(place)}`, `thumbnail/${idOf(place)}?width=32&height=32`]) {
    const answer = await peer.open(servers.at(0), 'GET', `${MEDIA}/${path}`, undefined, 'X-Matrix nonsense');
    expect(answer.status).toBe(401);
  }
});
