import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';
import { readMedia } from './media-client.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const HOUR_MS = 60 * 60 * 1000;
const clock = createFakeClock();
let server: TestServer;
let romeo: TestUser;
let site: string;
let image: Buffer;
const asked: string[] = [];
let serve: (path: string, res: ServerResponse) => void = (_path, res) => void res.writeHead(404).end();
const web = createServer((req: IncomingMessage, res: ServerResponse) => {
  asked.push(req.url ?? '');
  if (req.url === '/rock.png') return void res.writeHead(200, { 'content-type': 'image/png' }).end(image);
  serve(req.url ?? '', res);
});

beforeAll(async () => {
  image = await sharp({ create: { width: 279, height: 129, channels: 3, background: '#345' } })
    .png()
    .toBuffer();
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const address = web.address();
  site = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  server = await startServer({ clock });
  romeo = await server.user('romeo');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
});
beforeEach(() => {
  asked.length = 0;
});

function html(text: string, contentType = 'text/html; charset=utf-8'): void {
  serve = (_path, res) => void res.writeHead(200, { 'content-type': contentType }).end(text);
}

let pages = 0;
/** The preview of a page that was not looked at before. */
async function preview(path = '/page'): Promise<Record<string, unknown>> {
  pages += 1;
  return await romeo.call('GET', previewPath(`${site}${path}?${pages}`));
}
const previewPath = (url: string, ts?: number) =>
  `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(url)}${ts === undefined ? '' : `&ts=${ts}`}`;

describe('what is told of a page', () => {
  test('its OpenGraph, with its image in our repository', async () => {
    html(`<html prefix="og: http://ogp.me/ns#"><head><title>The Rock (1996)</title>
      <meta property="og:title" content="The Rock" /><meta property="og:type" content="video.movie" />
      <meta property="og:url" content="http://www.imdb.com/title/tt0117500/" />
      <meta property="og:image" content="/rock.png" /><meta property="og:image:width" content="9" /></head><body></body></html>`);
    const found = await preview();
    expect(found).toEqual({
      'og:title': 'The Rock',
      'og:type': 'video.movie',
      'og:url': 'http://www.imdb.com/title/tt0117500/',
      'og:image': expect.stringMatching(/^mxc:\/\/hs\.test\//),
      'og:image:type': 'image/png',
      'og:image:width': 279,
      'og:image:height': 129,
      'matrix:image:size': image.length,
    });
    const answer = await readMedia(server, romeo, `download/${String(found['og:image']).slice('mxc://'.length)}`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(image)).toBe(true);
  });

  test('by the old paths too, and to people with a token only', async () => {
    html('<title>Old</title>');
    for (const version of ['v3', 'r0', 'v1'])
      expect(await romeo.call('GET', `/_matrix/media/${version}/preview_url?url=${encodeURIComponent(`${site}/${version}`)}`)).toEqual({
        'og:title': 'Old',
      });
    expect((await fetch(`${server.url}${previewPath(site)}`)).status).toBe(401);
    expect(await romeo.attempt('GET', '/_matrix/client/v1/media/preview_url')).toMatchObject({
      status: 400,
      body: { errcode: 'M_MISSING_PARAM' },
    });
  });

  test('Twitter’s card, where there is no OpenGraph', async () => {
    html(`<meta name="twitter:title" content="Card &amp; co"><meta name="twitter:description" content="Says &quot;hi&quot;">
      <meta name="twitter:image" content="${site}/rock.png">`);
    expect(await preview()).toMatchObject({ 'og:title': 'Card & co', 'og:description': 'Says "hi"', 'og:image:width': 279 });
  });

  test('its title and first lines, where there is nothing else', async () => {
    html(`<html><head><title> A  plain
      page </title><style>p { color: red }</style><script>var x = '<p>no</p>';</script></head>
      <body><nav><a href="/">Menu</a></nav><h1>Hello</h1><p>The first line.</p><p>The second.</p></body></html>`);
    expect(await preview()).toEqual({ 'og:title': 'A plain page', 'og:description': 'Hello\nThe first line.\nThe second.' });
    html('<meta name=description content="As it says"><title>T</title><p>text</p>');
    expect(await preview()).toEqual({ 'og:title': 'T', 'og:description': 'As it says' });
  });

  test('what its oEmbed description adds', async () => {
    serve = (path, res) => {
      if (path.startsWith('/oembed'))
        return void res
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ type: 'video', title: 'A film', provider_name: 'Films', thumbnail_url: `${site}/rock.png` }));
      res
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<link rel="alternate" type="application/json+oembed" href="/oembed?x=1"><p>Hi');
    };
    expect(await preview()).toMatchObject({
      'og:title': 'A film',
      'og:site_name': 'Films',
      'og:description': 'Hi',
      'og:image': expect.stringMatching(/^mxc:/),
    });
  });

  test('an image alone, and the name of anything else', async () => {
    serve = (_path, res) => void res.writeHead(200, { 'content-type': 'image/png' }).end(image);
    expect(await preview('/a%20rose.png')).toMatchObject({ 'og:title': 'a rose.png', 'og:image:height': 129 });
    serve = (_path, res) => void res.writeHead(200, { 'content-type': 'application/pdf' }).end('%PDF');
    expect(await preview('/letter.pdf')).toEqual({ 'og:title': 'letter.pdf' });
    serve = (_path, res) => void res.writeHead(200, { 'content-type': 'image/svg+xml' }).end('<svg/>');
    expect(await preview('/x.svg')).toEqual({ 'og:title': 'x.svg' });
    html('');
    expect(await preview()).toEqual({});
  });

  test('without its image, when that cannot be had', async () => {
    html(
      `<meta property="og:title" content="x"><meta property="og:image" content="http://10.0.0.1/secret.png"><meta property="og:image:type" content="y">`,
    );
    expect(await preview()).toEqual({ 'og:title': 'x' });
  });

  test.each([
    ['utf-8', Buffer.from('<title>Müßig</title>'), 'text/html'],
    ['said by the server', Buffer.from('<title>M\xfc\xdfig</title>', 'latin1'), 'text/html; charset=ISO-8859-1'],
    ['said by the page', Buffer.from('<meta charset="windows-1252"><title>M\xfc\xdfig</title>', 'latin1'), 'text/html'],
    ['said by nobody', Buffer.from('<title>M\xfc\xdfig</title>', 'latin1'), 'text/html'],
    ['with a byte order mark', Buffer.from('\ufeff<title>Müßig</title>', 'utf16le'), 'text/html'],
    ['of a name that means nothing', Buffer.from('<title>Müßig</title>'), 'text/html; charset=no-such-thing'],
  ])('its letters: %s', async (_name, bytes, type) => {
    serve = (_path, res) => void res.writeHead(200, { 'content-type': type }).end(bytes);
    expect(await preview()).toMatchObject({ 'og:title': 'Müßig' });
  });
});

describe('what is remembered', () => {
  test('a link is looked at once an hour, however many ask', async () => {
    html('<title>First</title>');
    const url = `${site}/${nameOf('remembered')}`;
    const begun = clock.now();
    const all = await Promise.all([1, 2, 3].map(() => romeo.call('GET', previewPath(`${url}#part`))));
    expect(all).toEqual([{ 'og:title': 'First' }, { 'og:title': 'First' }, { 'og:title': 'First' }]);
    html('<title>Second</title>');
    expect(await romeo.call('GET', previewPath(url))).toEqual({ 'og:title': 'First' });
    expect(asked).toHaveLength(1);
    clock.advance(2 * HOUR_MS);
    expect(await romeo.call('GET', previewPath(url))).toEqual({ 'og:title': 'Second' });
    expect(await romeo.call('GET', previewPath(url, begun))).toEqual({ 'og:title': 'First' });
  });

  test('a link that fails is not asked at once again', async () => {
    serve = (_path, res) => void res.writeHead(500).end();
    const url = `${site}/${nameOf('failing')}`;
    for (const _ of [1, 2])
      expect(await romeo.attempt('GET', previewPath(url))).toMatchObject({ status: 502, body: { errcode: 'M_UNKNOWN' } });
    expect(asked).toHaveLength(1);
    clock.advance(10 * 60 * 1000);
    html('<title>Well again</title>');
    expect(await romeo.call('GET', previewPath(url))).toEqual({ 'og:title': 'Well again' });
  });
});

describe('what links cannot do', () => {
  test.each([
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[fd00::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://0x0a000001/',
    'http://[64:ff9b::a00:1]/',
    'http://0/',
  ])('lead into our network: %s', async (url) => {
    expect(await romeo.attempt('GET', previewPath(url))).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  test('lead there by a redirect', async () => {
    serve = (_path, res) => void res.writeHead(302, { location: 'http://10.0.0.1/' }).end();
    expect(await romeo.attempt('GET', previewPath(`${site}/redirect`))).toMatchObject({ status: 403 });
    serve = (path, res) => void res.writeHead(302, { location: `${path}x` }).end();
    expect(await romeo.attempt('GET', previewPath(`${site}/loop`))).toMatchObject({ status: 502 });
    expect(asked.length).toBeLessThan(10);
  });

  test('lead there by a name', async () => {
    await using strict = await startServer({ config: { outboundAllow: [] } });
    const juliet = await strict.user('juliet');
    const { port } = new URL(site);
    for (const host of ['localhost', '127.0.0.1', '127.1', '[::1]'])
      expect(await juliet.attempt('GET', previewPath(`http://${host}:${port}/`))).toMatchObject({ status: 403 });
    expect(asked).toHaveLength(0);
  });

  test.each([
    'ftp://example.org/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'not a link',
    'http://',
    'http://user:pw@example.org/',
    '',
  ])('be no links: %j', async (url) => {
    expect(await romeo.attempt('GET', previewPath(url))).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  test('cost more than their first megabyte, or more depth than text', async () => {
    let sent = 0;
    serve = (_path, res) => {
      res.writeHead(200, { 'content-type': 'text/html' });
      res.write('<title>Endless</title>');
      const pour = (): void => {
        while (!res.destroyed && res.write('<div>'.repeat(10_000))) sent += 50_000;
      };
      res.on('drain', pour);
      pour();
    };
    expect(await preview()).toEqual({ 'og:title': 'Endless' });
    expect(sent).toBeLessThan(20_000_000);
    html(`<title>Deep</title>${'<div><p><b>'.repeat(60_000)}`);
    expect(await preview()).toEqual({ 'og:title': 'Deep' });
    html(
      `<title>Many</title>${Array.from({ length: 5_000 }, (_, index) => `<meta property="og:x${index}" content="${'y'.repeat(50)}">`).join('')}`,
    );
    expect(Object.keys(await preview()).length).toBeLessThanOrEqual(101);
    html(`<title>${'long '.repeat(10_000)}</title>`);
    expect(String((await preview())['og:title']).length).toBeLessThanOrEqual(1_000);
  });

  test('send an image that never ends', async () => {
    serve = (path, res) => {
      if (!path.startsWith('/endless'))
        return void res
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<title>x</title><meta property="og:image" content="/endless.png">');
      res.writeHead(200, { 'content-type': 'image/png' });
      const pour = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(64 * 1024)));
      };
      res.on('drain', pour);
      pour();
    };
    expect(await preview()).toEqual({ 'og:title': 'x' });
  });
});

test('where previews are off there are none', async () => {
  await using without = await startServer({ config: { urlPreviews: false } });
  const juliet = await without.user('juliet');
  expect(await juliet.attempt('GET', previewPath(site))).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
});
