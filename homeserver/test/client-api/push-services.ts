import { createDecipheriv, createECDH, generateKeyPairSync, hkdfSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import type { TestCa } from '../kit/test-ca.ts';

type Received = { path: string; headers: IncomingHttpHeaders; body: Buffer };
type Answer = { status: number; body: unknown };

export type PushService = AsyncDisposable & {
  port: number;
  url: string;
  /** The next request it gets, or got and nobody took. */
  next: () => Promise<Received>;
  /** How it answers from now on; others than tokens. */
  answer: Answer;
};

/** A TLS server on this machine that stands for a push service, and gives access tokens like Google's at /token. */
export async function startPushService(ca: TestCa, names: readonly string[]): Promise<PushService> {
  const { certFile, keyFile } = await ca.issue(names);
  const received: Received[] = [];
  const answer: Answer = { status: 200, body: { name: 'projects/verona/messages/1' } };
  let arrived = Promise.withResolvers<void>();
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ path, headers: request.headers, body: Buffer.concat(chunks) });
      const { status, body } = path === '/token' ? { status: 200, body: { access_token: 'wherefore', expires_in: 3_600 } } : answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      arrived.resolve();
      arrived = Promise.withResolvers<void>();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const next = async (): Promise<Received> => {
    for (;;) {
      const first = received.shift();
      if (first !== undefined) return first;
      await arrived.promise;
    }
  };
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const { port } = server.address() as AddressInfo;
  return { port, url: `https://127.0.0.1:${port}`, next, answer, [Symbol.asyncDispose]: close };
}

/** Leads to the service on this machine whatever host is asked for; the certificate is checked for that host all the same. */
export async function agentTo({ port }: PushService, ca: TestCa): Promise<Agent> {
  const authority = await readFile(ca.caFile, 'utf8');
  const agent = new Agent();
  agent.createConnection = (options) =>
    connect({ host: '127.0.0.1', port, ca: authority, servername: String(options.host ?? 'fcm.googleapis.com') });
  return agent;
}

/** Writes the file of a service account and gives its path and the key that its statements are checked with. */
export async function writeServiceAccount(file: string, tokenUri: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const account = {
    type: 'service_account',
    project_id: 'verona',
    client_email: 'nurse@verona.example',
    private_key_id: 'key-1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: tokenUri,
  };
  await writeFile(file, JSON.stringify(account));
  return { file, publicKey };
}

/** A browser's subscription, and how the browser reads what is pushed to it. https://www.rfc-editor.org/rfc/rfc8291#section-3.4 */
export function createSubscription(known?: { privateKey: string; auth: string }) {
  const pair = createECDH('prime256v1');
  if (known === undefined) pair.generateKeys();
  else pair.setPrivateKey(known.privateKey, 'base64url');
  const p256dh = pair.getPublicKey();
  const auth = known === undefined ? randomBytes(16) : Buffer.from(known.auth, 'base64url');
  function decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const theirs = body.subarray(21, 21 + body.readUInt8(20));
    const record = body.subarray(21 + theirs.length);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, theirs]);
    const material = Buffer.from(hkdfSync('sha256', pair.computeSecret(theirs), auth, info, 32));
    const key = Buffer.from(hkdfSync('sha256', material, salt, 'Content-Encoding: aes128gcm\0', 16));
    const nonce = Buffer.from(hkdfSync('sha256', material, salt, 'Content-Encoding: nonce\0', 12));
    const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(record.subarray(-16));
    const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    return plain.subarray(0, plain.lastIndexOf(2)).toString();
  }
  return {
    p256dh: p256dh.toString('base64url'),
    auth: auth.toString('base64url'),
    decrypt,
    read: (body: Buffer): unknown => JSON.parse(decrypt(body)),
  };
}
