import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { placeMedia, readMedia } from './media-client.ts';

let server: TestServer;
let romeo: TestUser;
beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

function draw(width: number, height: number, channels: 3 | 4 = 3) {
  return sharp({ create: { width, height, channels, background: { r: 200, g: 30, b: 90, alpha: 0.5 } } });
}

async function thumbnail(place: string, query: string) {
  const answer = await readMedia(server, romeo, `thumbnail/${place}?${query}`);
  if (answer.status !== 200) return { status: answer.status, errcode: ((await answer.json()) as { errcode: string }).errcode };
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const { width, height, pages = 1, format } = await sharp(bytes, { animated: true }).metadata();
  return { status: 200, type: answer.headers.get('content-type'), width, height, pages, format };
}

test.each(['png', 'jpeg', 'gif', 'webp', 'avif'] as const)('%s images have thumbnails', async (format) => {
  const place = await placeMedia(server, romeo, await draw(1000, 700).toFormat(format).toBuffer(), { contentType: `image/${format}` });
  const cropped = await thumbnail(place, 'width=96&height=96&method=crop');
  expect(cropped).toMatchObject({ status: 200, width: 96, height: 96 });
  expect(cropped.type).toBe(`image/${cropped.format}`);
  expect(await thumbnail(place, 'width=300&height=200&method=scale')).toMatchObject({ status: 200, width: 320, height: 224 });
  expect(await thumbnail(place, 'width=100&height=100')).toMatchObject({ status: 200, width: 320 });
});

test('a PNG stays a PNG, and what is seen through stays so', async () => {
  const place = await placeMedia(server, romeo, await draw(500, 500, 4).png().toBuffer(), { contentType: 'image/png' });
  expect(await thumbnail(place, 'width=32&height=32&method=crop')).toMatchObject({ type: 'image/png', width: 32, height: 32 });
});

test('nothing is made larger than it is', async () => {
  const small = await draw(20, 10).png().toBuffer();
  const place = await placeMedia(server, romeo, small, { contentType: 'image/png' });
  for (const query of ['width=32&height=32&method=crop', 'width=800&height=600&method=scale', 'width=9999999&height=9999999'])
    expect(await thumbnail(place, query)).toMatchObject({ status: 200, width: 20, height: 10, type: 'image/png' });
  expect(await server.sql`select 1 from media_thumbnails where media_id = ${place.split('/')[1] ?? ''}`).toHaveLength(0);
});

test('a moving image moves in its thumbnail only when asked to', async () => {
  const strip = Buffer.alloc(400 * 1200 * 3, 0).map((_, index) => Math.floor(index / (400 * 400 * 3)) * 90);
  const moving = await sharp(strip, { raw: { width: 400, height: 1200, channels: 3, pageHeight: 400 } })
    .gif({ delay: [100, 100, 100] })
    .toBuffer();
  const place = await placeMedia(server, romeo, moving, { contentType: 'image/gif' });
  expect(await thumbnail(place, 'width=96&height=96&method=crop&animated=true')).toMatchObject({
    status: 200,
    pages: 3,
    type: 'image/webp',
  });
  for (const animated of ['', '&animated=false'])
    expect(await thumbnail(place, `width=96&height=96&method=crop${animated}`)).toMatchObject({ status: 200, pages: 1, width: 96 });
});

test('an image that lies on its side is measured as it is seen', async () => {
  const lying = await draw(900, 300).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  const place = await placeMedia(server, romeo, lying, { contentType: 'image/jpeg' });
  expect(await thumbnail(place, 'width=320&height=240&method=scale')).toMatchObject({ status: 200, width: 80, height: 240 });
});

test('what is broken, too large or no image is refused by name', async () => {
  const broken = (await draw(300, 300).png().toBuffer()).subarray(0, 120);
  expect(await thumbnail(await placeMedia(server, romeo, broken, { contentType: 'image/png' }), 'width=32&height=32')).toEqual({
    status: 400,
    errcode: 'M_UNKNOWN',
  });
  const bomb = await sharp({ create: { width: 12_000, height: 9_000, channels: 3, background: '#fff' } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  expect(await thumbnail(await placeMedia(server, romeo, bomb, { contentType: 'image/png' }), 'width=32&height=32')).toEqual({
    status: 413,
    errcode: 'M_TOO_LARGE',
  });
  const text = await placeMedia(server, romeo, 'no image at all', { contentType: 'image/png' });
  expect(await thumbnail(text, 'width=32&height=32')).toEqual({ status: 400, errcode: 'M_UNKNOWN' });
});

test('sizes that are no sizes are refused', async () => {
  const place = await placeMedia(server, romeo, await draw(50, 50).png().toBuffer(), { contentType: 'image/png' });
  expect(await thumbnail(place, 'width=32')).toEqual({ status: 400, errcode: 'M_MISSING_PARAM' });
  expect(await thumbnail(place, 'width=-1&height=32')).toEqual({ status: 400, errcode: 'M_INVALID_PARAM' });
  expect(await thumbnail(place, 'width=32&height=32&method=stretch')).toEqual({ status: 400, errcode: 'M_INVALID_PARAM' });
  expect(await thumbnail(`${server.name}/nothing`, 'width=32&height=32')).toEqual({ status: 404, errcode: 'M_NOT_FOUND' });
});

test('many who ask for one thumbnail cause one drawing', async () => {
  const place = await placeMedia(server, romeo, await draw(1200, 1200).png().toBuffer(), { contentType: 'image/png' });
  const answers = await Promise.all(Array.from({ length: 8 }, () => thumbnail(place, 'width=640&height=480&method=scale')));
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, width: 480, height: 480 });
  expect(await server.sql`select 1 from media_thumbnails where media_id = ${place.split('/')[1] ?? ''}`).toHaveLength(1);
});

test('S42: whoever brings many images waits for them, and is told to come again; others have theirs meanwhile', async () => {
  const juliet = await server.user('juliet');
  const large = await draw(3_000, 3_000).png().toBuffer();
  const options = { contentType: 'image/png' };
  const places: string[] = [];
  for (let n = 0; n < 70; n += 1) places.push(await placeMedia(server, romeo, large, options));
  const hers = await placeMedia(server, juliet, await draw(500, 400).png().toBuffer(), options);

  const query = 'width=32&height=32&method=crop';
  const flood = Promise.all(places.map((place) => thumbnail(place, query)));
  expect(await thumbnail(hers, query)).toMatchObject({ status: 200, width: 32 });
  const answers = await flood;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
  expect(await thumbnail(places[69] ?? '', query)).toMatchObject({ status: 200, width: 32 });
});
