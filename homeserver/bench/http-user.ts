import { createHmac, randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import type { Authority, OwnServer } from './own-server.ts';

/** Connections of one load client; as many requests can be under way. */
const CONNECTIONS = 256;

export type Target = { name: string; url: string; secret: string | undefined; pool: Pool };
/** The homeserver that was started here: other servers can be put beside it. */
export type OwnTarget = Target & Pick<OwnServer, 'peakMegabytes'> & { serverName: string; authority: Authority };

export function openTarget(name: string, url: string, secret: string | undefined): Target {
  return { name, url, secret, pool: new Pool(url, { connections: CONNECTIONS, pipelining: 1 }) };
}

/** Calls the homeserver; throws on anything but 200. */
export async function call(
  target: Target,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  token?: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const answer = await target.pool.request({
    method,
    path,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const json = (await answer.body.json()) as Record<string, unknown>;
  if (answer.statusCode !== 200) throw new Error(`${target.name}: ${method} ${path} answered ${answer.statusCode} ${JSON.stringify(json)}`);
  return json;
}

/** Makes an account with a name of its own and returns its access token: by shared secret where one is given, else by open registration. */
export async function register(target: Target): Promise<string> {
  const username = `bench-${randomUUID().slice(0, 13)}`;
  const password = randomUUID();
  const { secret } = target;
  if (secret === undefined) {
    const answer = await call(target, 'POST', '/_matrix/client/v3/register', undefined, {
      username,
      password,
      auth: { type: 'm.login.dummy' },
    });
    return String(answer['access_token']);
  }
  const { nonce } = await call(target, 'GET', '/_synapse/admin/v1/register');
  const mac = createHmac('sha1', secret).update([nonce, username, password, 'notadmin'].join('\0')).digest('hex');
  const answer = await call(target, 'POST', '/_synapse/admin/v1/register', undefined, { nonce, username, password, admin: false, mac });
  return String(answer['access_token']);
}
