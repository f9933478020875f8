import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadAssets } from '../../src/edge/web-app/load-assets.ts';
import { webAppPages } from '../../src/edge/web-app/web-app.ts';
import { startEdge } from '../kit/start-edge.ts';

async function startWebApp() {
  const folder = await mkdtemp(join(tmpdir(), 'bct-web-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>BlinkChat</title>');
  await writeFile(join(folder, 'assets', 'index-Bx12_Xy9.js'), 'plain');
  await writeFile(join(folder, 'assets', 'index-Bx12_Xy9.js.br'), 'brotli');
  await writeFile(join(folder, 'assets', 'index-Bx12_Xy9.js.gz'), 'gzip');
  await writeFile(join(folder, '.stamp'), 'not for the web');
  const edge = await startEdge({ pages: [webAppPages({ loadAssets: () => loadAssets(folder) })] });
  const dispose = async () => {
    await edge.stop();
    await rm(folder, { recursive: true });
  };
  return { url: edge.url, [Symbol.asyncDispose]: dispose };
}

type Page = { status: number | undefined; headers: Record<string, unknown>; text: string };

/** Asks without decoding what comes back. */
function ask(url: string, headers: Record<string, string> = {}): Promise<Page> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    }).on('error', reject);
  });
}

test('every view of the client gets the page, which is asked for anew each time and runs only our scripts', async () => {
  await using app = await startWebApp();
  for (const path of ['/', '/room/!abc:hs.test', '/settings']) {
    const page = await ask(app.url + path);
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' } });
    expect(page.headers['content-security-policy']).toContain("script-src 'self' 'wasm-unsafe-eval';");
  }
});

test('a browser that has the page is told so', async () => {
  await using app = await startWebApp();
  const { headers } = await ask(app.url);
  await expect(ask(app.url, { 'If-None-Match': String(headers['etag']) })).resolves.toMatchObject({ status: 304, text: '' });
});

test('hashed assets are kept for ever, and sent as small as the browser can take them', async () => {
  await using app = await startWebApp();
  const path = `${app.url}/assets/index-Bx12_Xy9.js`;
  await expect(ask(path)).resolves.toMatchObject({ text: 'plain', headers: { 'cache-control': 'public, max-age=31536000, immutable' } });
  await expect(ask(path, { 'Accept-Encoding': 'gzip, deflate, br' })).resolves.toMatchObject({
    text: 'brotli',
    headers: { 'content-encoding': 'br' },
  });
  await expect(ask(path, { 'Accept-Encoding': 'gzip, br;q=0' })).resolves.toMatchObject({
    text: 'gzip',
    headers: { 'content-encoding': 'gzip' },
  });
});

test.each(['/assets/gone.js', '/.stamp', '/../package.json', '/assets/%2e%2e/%2e%2e/package.json', '/assets/index-Bx12_Xy9.js.br'])(
  '%s is not served',
  async (path) => {
    await using app = await startWebApp();
    await expect(ask(app.url + path)).resolves.toMatchObject({ status: 404 });
  },
);

test('unknown API paths are not views', async () => {
  await using app = await startWebApp();
  await expect(ask(`${app.url}/_matrix/client/v3/nothing`)).resolves.toMatchObject({
    status: 404,
    text: expect.stringContaining('M_UNRECOGNIZED'),
  });
});
