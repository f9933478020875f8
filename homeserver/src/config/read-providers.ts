import { readFile } from 'node:fs/promises';
import type { OidcSettings } from '../domain/accounts/sso/oidc-provider.ts';
import { httpUrl } from './parse-setting.ts';

const MAX_FILE_CHARACTERS = 100_000;
const MAX_PROVIDERS = 50;
const ID = /^[A-Za-z0-9._~-]{1,255}$/;
const ICON = /^mxc:\/\/[^/]+\/[A-Za-z0-9_-]+$/;

/**
 * Reads the OpenID Connect providers that people may sign in by:
 * `[{"id": "verona", "name": "Verona ID", "issuer": "https://…", "client_id": "…", "client_secret": "…", "brand": "…", "icon": "mxc://…"}]`.
 *
 * @throws when the file says anything else
 */
export async function readProviders(file: string): Promise<OidcSettings[]> {
  const wrong = (reason: string, cause?: unknown) => new Error(`BLINKCHAT_OIDC_PROVIDERS: ${file} ${reason}`, { cause });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrong('cannot be read', error);
  });
  const given = text.length > MAX_FILE_CHARACTERS ? undefined : parse(text);
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_PROVIDERS)
    throw wrong(`must be a JSON list of 1 to ${MAX_PROVIDERS} providers`);
  const providers = given.map((entry: unknown, index) => {
    const read = readProvider(entry);
    if (typeof read === 'string') throw wrong(`has a fault in its provider number ${index + 1}: ${read}`);
    return read;
  });
  const twice = providers.find(({ id }, index) => providers.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw wrong(`has two providers with the id ${twice.id}`);
  return providers;
}

/** The provider, or what is wrong with it. */
function readProvider(entry: unknown): OidcSettings | string {
  if (typeof entry !== 'object' || entry === null) return 'it is no object';
  const record = { ...entry } as Record<string, unknown>;
  const texts: Record<string, string> = {};
  for (const key of ['id', 'name', 'issuer', 'client_id', 'client_secret', 'brand', 'icon']) {
    const value = record[key];
    if (typeof value === 'string' && value !== '') texts[key] = value;
    else if (value !== undefined || (key !== 'brand' && key !== 'icon')) return `${key} must be text`;
  }
  const { id = '', name = '', client_id: clientId = '', client_secret: clientSecret = '', brand, icon } = texts;
  const issuer = httpUrl(texts['issuer'] ?? '');
  if (!ID.test(id)) return 'id may hold A-Z, a-z, 0-9 and . _ ~ -';
  if (!issuer.ok) return `issuer must be ${issuer.reason}`;
  if (icon !== undefined && !ICON.test(icon)) return 'icon must be a file of this server, mxc://…';
  return {
    id,
    name,
    issuer: issuer.value,
    clientId,
    clientSecret,
    ...(brand === undefined ? {} : { brand }),
    ...(icon === undefined ? {} : { icon }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
