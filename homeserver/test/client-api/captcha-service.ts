import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type CaptchaService = AsyncDisposable & {
  /** For `captchaVerifyUrl`. */
  url: string;
  /** Every form it was sent. */
  asked: Record<string, string>[];
};

/** A service that takes one solution for right. */
export async function startCaptchaService(solution: string): Promise<CaptchaService> {
  const asked: Record<string, string>[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      asked.push(form);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ success: form['response'] === solution }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${port}/siteverify`, asked, [Symbol.asyncDispose]: close };
}
