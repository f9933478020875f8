import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readMedia } from '../client-api/media-client.ts';
import { type HostilePeer, lie, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const B = 'xyz';
const nameOf = createNames();
let servers: TestServers;
let peer: HostilePeer;
let juliet: TestUser;
beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  juliet = await servers.user('juliet', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});
beforeEach(() => {
  peer.seen.length = 0;
});

const picture = (width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#803030' } })
    .png()
    .toBuffer();

function answerWith(file: Uint8Array, contentType: string): unknown {
  const head = [`--${B}`, 'Content-Type: application/json', '', '{}', `--${B}`, `Content-Type: ${contentType}`, '', ''].join('\r\n');
  const body = Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${B}--\r\n`)]);
  return lie({ headers: { 'content-type': `multipart/mixed; boundary=${B}` }, body });
}

/** The peer has a film, and says this when it is asked for its thumbnail. */
function showFilm(thumbnail: () => unknown, film = 'a film'): void {
  peer.answer((_method, path) => (path.includes('/thumbnail/') ? thumbnail() : answerWith(Buffer.from(film), 'video/mp4')));
}

const thumbnailOf = (mediaId: string) =>
  readMedia(servers.at(0), juliet, `thumbnail/${peer.name}/${mediaId}?width=32&height=32&method=crop`);
const thumbnailCalls = () => peer.seen.filter(({ path }) => path.includes('/thumbnail/'));

test('an image of another server is drawn here, and its server is not asked for a thumbnail', async () => {
  const image = await picture(200, 100);
  peer.answer(() => answerWith(image, 'image/png'));
  const answer = await thumbnailOf(nameOf('image'));
  expect(answer.status).toBe(200);
  expect(await sharp(await answer.arrayBuffer()).metadata()).toMatchObject({ width: 32, height: 32 });
  expect(thumbnailCalls()).toEqual([]);
});

test('what cannot be drawn here has the thumbnail that its server made, no larger than was asked for', async () => {
  const film = nameOf('film');
  const large = await picture(300, 300);
  showFilm(() => answerWith(large, 'image/png'));
  const answer = await thumbnailOf(film);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect(await sharp(await answer.arrayBuffer()).metadata()).toMatchObject({ width: 32, height: 32 });
  expect(thumbnailCalls().map(({ path }) => path)).toEqual([
    `/_matrix/federation/v1/media/thumbnail/${film}?width=32&height=32&method=crop&animated=false`,
  ]);
  expect((await thumbnailOf(film)).status).toBe(200);
  expect(thumbnailCalls(), 'it is kept').toHaveLength(1);
  expect(await (await readMedia(servers.at(0), juliet, `download/${peer.name}/${film}`)).text()).toBe('a film');
});

test('S42: a thumbnail that is no image, or without end, is not passed on', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from([`--${B}`, 'Content-Type: application/json', '', '{}', `--${B}`, 'Content-Type: image/png', '', ''].join('\r\n'));
    for (let chunk = 0; chunk < 10_000; chunk += 1) yield Buffer.alloc(64 * 1024);
  }
  const lies = [
    () => answerWith(Buffer.from('<svg onload="alert(1)"/>'), 'image/png'),
    () => answerWith(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]), 'image/png'),
    () => lie({ headers: { 'content-type': `multipart/mixed; boundary=${B}` }, body: endless() }),
    () => lie({ status: 404, body: '{"errcode":"M_NOT_FOUND","error":"no"}' }),
  ];
  for (const [at, told] of lies.entries()) {
    showFilm(told);
    const answer = await thumbnailOf(nameOf(`lie${at}`));
    expect([answer.status, ((await answer.json()) as { errcode: string }).errcode]).toEqual([400, 'M_UNKNOWN']);
  }
});

test('S44: a file that is withheld has no thumbnail of its server’s making either', async () => {
  const poison = nameOf('poison');
  const image = await picture(32, 32);
  showFilm(() => answerWith(image, 'image/png'), `a film of ${poison}`);
  expect((await thumbnailOf(poison)).status).toBe(200);
  await servers.at(0).sql`update media set quarantined_at = 1 where media_id = ${poison}`;
  expect((await thumbnailOf(poison)).status).toBe(404);
});
