import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

type Claims = Record<string, unknown> & { sub: string };
type Granted = { challenge: string; nonce: string; redirectUri: string; claims: Claims };

/** A small OpenID Connect provider at which everybody is signed in already, as whoever the test says. */
export type TestOidcProvider = AsyncDisposable & {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Who comes to it next. */
  person: Claims;
  /** Changes what its next tokens say, to lie. */
  lie: { nonce?: string; issuer?: string; audience?: string; isForged?: boolean };
  /** Every request for tokens that it took. */
  redeemed: number;
};

export async function startOidcProvider(): Promise<TestOidcProvider> {
  const [keys, forged] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const codes = new Map<string, Granted>();
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: TestOidcProvider = {
    issuer,
    clientId: 'blinkchat',
    clientSecret: 'a secret: & more',
    person: { sub: 'nobody' },
    lie: {},
    redeemed: 0,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/.well-known/openid-configuration') {
      const at = (path: string) => `${issuer}${path}`;
      json(200, {
        issuer,
        authorization_endpoint: at('/authorize'),
        token_endpoint: at('/token'),
        jwks_uri: at('/keys'),
        prompt_values_supported: ['none', 'create'],
      });
    } else if (url.pathname === '/keys') json(200, { keys: [jwk] });
    else if (url.pathname === '/authorize') response.writeHead(302, { location: grant(url.searchParams) }).end();
    else if (url.pathname === '/token') json(...(await redeem(request)));
    else json(404, {});
  }

  function grant(query: URLSearchParams): string {
    const code = randomUUID();
    const redirectUri = query.get('redirect_uri') ?? '';
    const [challenge, nonce] = [query.get('code_challenge') ?? '', query.get('nonce') ?? ''];
    codes.set(code, { challenge, nonce, redirectUri, claims: provider.person });
    return `${redirectUri}?${new URLSearchParams({ code, state: query.get('state') ?? '' })}`;
  }

  async function redeem(request: IncomingMessage): Promise<[number, object]> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const [id = '', secret = ''] = Buffer.from((request.headers.authorization ?? '').slice('Basic '.length), 'base64')
      .toString()
      .split(':');
    const granted = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isClient = decodeURIComponent(id) === provider.clientId && decodeURIComponent(secret) === provider.clientSecret;
    if (!isClient || granted?.challenge !== challenge || granted.redirectUri !== form.get('redirect_uri'))
      return [400, { error: 'invalid_grant' }];
    provider.redeemed += 1;
    const { lie } = provider;
    const token = await new SignJWT({ ...granted.claims, nonce: lie.nonce ?? granted.nonce })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(lie.issuer ?? issuer)
      .setAudience(lie.audience ?? provider.clientId)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(lie.isForged === true ? forged.privateKey : keys.privateKey);
    return [200, { access_token: 'unused', token_type: 'Bearer', id_token: token }];
  }

  return provider;
}
