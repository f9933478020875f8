import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { type Signer, signJson } from 'federation-spec/signing/sign-json.ts';
import { freePort } from './free-port.ts';
import type { TestServer } from './start-server.ts';
import type { TestCa } from './test-ca.ts';
import { callServer } from './test-user.ts';

/** A small identity server that knows addresses and keeps invites. https://spec.matrix.org/latest/identity-service-api/ */
export type IdentityServer = AsyncDisposable & {
  name: string;
  accessToken: string;
  signer: Signer;
  /** Every request it was sent, oldest first. */
  seen: { method: string; path: string; body: JsonObject; authorization: string | undefined }[];
  /** Says that an address belongs to a user, without telling their server. */
  know: (address: string, userId: string) => void;
  /** The invites that wait for an address, with the proof for that user. */
  prove: (address: string, userId: string) => Promise<JsonObject[]>;
  /** The address is found to be the user's: their server is told of the invites that wait. */
  bind: (address: string, userId: string, server: TestServer) => Promise<void>;
  /** Whether it says of its keys that they are good. */
  keysAreGood: boolean;
};

export async function startIdentityServer(ca: TestCa): Promise<IdentityServer> {
  const port = await freePort();
  const name = `localhost:${port}`;
  const signer: Signer = { serverName: name, keyId: 'ed25519:0', seed: new Uint8Array(randomBytes(32)) };
  const pepper = randomBytes(6).toString('hex');
  const accessToken = randomBytes(12).toString('hex');
  const bound = new Map<string, string>();
  const invites: { address: string; token: string; roomId: unknown; sender: unknown }[] = [];
  const { certFile, keyFile } = await ca.issue(['localhost', '127.0.0.1']);

  function answer(path: string, body: JsonObject): JsonObject | undefined {
    if (path === '/hash_details') return { algorithms: ['none', 'sha256'], lookup_pepper: pepper };
    if (path === '/lookup') {
      const hash = (address: string) => createHash('sha256').update(`${address} email ${pepper}`).digest('base64url');
      const known = [...bound].map(([address, userId]): [string, string] => [hash(address), userId]);
      return { mappings: Object.fromEntries(known.filter(([hashed]) => (body['addresses'] as string[]).includes(hashed))) };
    }
    if (path === '/store-invite') {
      const token = randomBytes(9).toString('hex');
      invites.push({ address: String(body['address']), token, roomId: body['room_id'], sender: body['sender'] });
      const key = {
        public_key: encodeBase64(ed25519PublicKey(signer.seed)),
        key_validity_url: `https://${name}/_matrix/identity/v2/pubkey/isvalid`,
      };
      return { token, display_name: `${String(body['address']).slice(0, 2)}…`, public_keys: [key] };
    }
    return path.startsWith('/pubkey/isvalid') ? { valid: identity.keysAreGood } : undefined;
  }

  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const path = (req.url ?? '').replace('/_matrix/identity/v2', '');
      const body = text === '' ? {} : JSON.parse(text);
      identity.seen.push({ method: req.method ?? '', path, body, authorization: req.headers.authorization });
      const found = answer(path, body);
      res.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  const identity: IdentityServer = {
    name,
    accessToken,
    signer,
    seen: [],
    keysAreGood: true,
    know: (address, userId) => void bound.set(address, userId),
    prove: async (address, userId) =>
      await Promise.all(
        invites
          .filter((invite) => invite.address === address)
          .map(async ({ token, roomId, sender }) => ({
            medium: 'email',
            address,
            mxid: userId,
            room_id: String(roomId),
            sender: String(sender),
            signed: await signJson({ mxid: userId, token, sender: String(sender) }, signer),
          })),
      ),
    bind: async (address, userId, to) => {
      bound.set(address, userId);
      const body = { medium: 'email', address, mxid: userId, invites: await identity.prove(address, userId) };
      const told = await callServer(to.url, 'PUT', '/_matrix/federation/v1/3pid/onbind', body);
      if (told.status !== 200) throw new Error(`onbind: ${told.status} ${JSON.stringify(told.body)}`);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return identity;
}
