import { createServer, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFetchPreview } from '../../src/domain/media/previews/fetch-preview.ts';
import { createAddressGuard } from '../../src/platform/http-client/address-guard.ts';
import { createHttpClient } from '../../src/platform/http-client/http-client.ts';
import { silentLogger } from '../../src/platform/logger.ts';

let serve: (res: ServerResponse) => void = () => undefined;
const web = createServer((_req, res) => serve(res));
let site: string;
const http = createHttpClient({ guard: createAddressGuard(['127.0.0.0/8']) });
beforeAll(async () => {
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const address = web.address();
  site = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
});
afterAll(async () => {
  await http.close();
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
});

const noImage = () => Promise.reject(new Error('there is no image to keep'));
const fetchPreview = createFetchPreview({
  http,
  keepImage: noImage,
  thumbnailer: { measure: noImage },
  logger: silentLogger,
  timeoutMs: 400,
});

test.each([
  ['says nothing', () => undefined],
  ['says no more than its headers', (res: ServerResponse) => void res.writeHead(200, { 'content-type': 'text/html' }).flushHeaders()],
  [
    'says a little from time to time',
    (res: ServerResponse) => {
      res.writeHead(200, { 'content-type': 'text/html' });
      const drip = setInterval(() => res.write('<p>'), 50);
      res.on('close', () => clearInterval(drip));
    },
  ],
  [
    'hangs up in the middle',
    (res: ServerResponse) =>
      void res.writeHead(200, { 'content-type': 'text/html', 'content-length': '100' }).write('<t', () => res.destroy()),
  ],
])('a page that %s is given up', async (_name, answer) => {
  serve = answer;
  await expect(fetchPreview(site)).rejects.toMatchObject({ status: 502, errcode: 'M_UNKNOWN' });
});
