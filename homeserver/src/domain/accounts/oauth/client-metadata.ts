import { asRecord } from '../read-record.ts';
import { OAuthError } from './oauth-error.ts';
import { type ApplicationType, isRegistrableRedirectUri, isWithinHost, parseHttpsUrl } from './redirect-uris.ts';

/** What we keep of what a client says of itself, in the wire's names. */
export type ClientMetadata = {
  client_uri: string;
  client_name?: string;
  logo_uri?: string;
  tos_uri?: string;
  policy_uri?: string;
  redirect_uris: string[];
  response_types: string[];
  grant_types: string[];
  application_type: ApplicationType;
  token_endpoint_auth_method: 'none';
};

export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const GRANT_TYPES = ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT];
const MAX_REDIRECT_URIS = 20;
const MAX_NAME_CHARACTERS = 100;
/** What would let a name look like another one, or like several lines. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

type Given = Readonly<Record<string, unknown>> | undefined;

/**
 * Checks what a client says of itself and keeps what we understand.
 * https://spec.matrix.org/latest/client-server-api/#client-metadata
 *
 * @throws OAuthError `invalid_client_metadata`, `invalid_redirect_uri`
 */
export function checkClientMetadata(given: unknown): ClientMetadata {
  const record = asRecord(given);
  if (record === undefined) throw wrong('The metadata of a client is a JSON object');
  const clientUri = parseHttpsUrl(readText(record, 'client_uri') ?? '');
  if (clientUri === undefined) throw wrong('client_uri must be an https URL without user or password');
  const type = readText(record, 'application_type') ?? 'web';
  if (type !== 'web' && type !== 'native') throw wrong('application_type must be web or native');
  if ((readText(record, 'token_endpoint_auth_method') ?? 'none') !== 'none') {
    throw wrong('token_endpoint_auth_method must be none: clients are public here');
  }
  const grants = readTexts(record, 'grant_types') ?? ['authorization_code', 'refresh_token'];
  const redirectUris = readTexts(record, 'redirect_uris') ?? [];
  const usesCode = grants.includes('authorization_code');
  if (redirectUris.length > MAX_REDIRECT_URIS) throw wrong(`A client may have at most ${MAX_REDIRECT_URIS} redirect URIs`);
  if (usesCode && redirectUris.length === 0) throw new OAuthError('invalid_redirect_uri', 'redirect_uris must hold at least one');
  const refused = redirectUris.find((uri) => !isRegistrableRedirectUri(uri, clientUri, type));
  if (refused !== undefined) {
    throw new OAuthError(
      'invalid_redirect_uri',
      `${refused.slice(0, 200)} cannot be a redirect URI of a ${type} client at ${clientUri.host}`,
    );
  }
  const responseTypes = readTexts(record, 'response_types') ?? ['code'];
  if (usesCode && !responseTypes.includes('code')) throw wrong('response_types must include code');

  return {
    client_uri: clientUri.href,
    ...readName(record),
    ...readLinks(record, clientUri),
    redirect_uris: redirectUris,
    response_types: responseTypes.filter((each) => each === 'code'),
    grant_types: GRANT_TYPES.filter((each) => grants.includes(each)),
    application_type: type,
    token_endpoint_auth_method: 'none',
  };
}

function readName(record: Given): Pick<ClientMetadata, 'client_name'> {
  const name = readText(record, 'client_name')?.trim();
  if (name === undefined || name === '') return {};
  if (name.length > MAX_NAME_CHARACTERS) throw wrong(`client_name may have at most ${MAX_NAME_CHARACTERS} characters`);
  if (INVISIBLE.test(name)) throw wrong('client_name may hold no characters that cannot be seen');
  return { client_name: name };
}

function readLinks(record: Given, clientUri: URL) {
  const links: Pick<ClientMetadata, 'logo_uri' | 'tos_uri' | 'policy_uri'> = {};
  for (const key of ['logo_uri', 'tos_uri', 'policy_uri'] as const) {
    const text = readText(record, key);
    if (text === undefined) continue;
    const url = parseHttpsUrl(text);
    if (url === undefined || !isWithinHost(url.hostname, clientUri)) {
      throw wrong(`${key} must be an https URL at ${clientUri.hostname} or below it`);
    }
    links[key] = url.href;
  }
  return links;
}

function readValue(record: Given, key: string): unknown {
  const value = record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
  return value === null ? undefined : value;
}

function readText(record: Given, key: string): string | undefined {
  const value = readValue(record, key);
  if (value !== undefined && typeof value !== 'string') throw wrong(`${key} must be text`);
  return value;
}

function readTexts(record: Given, key: string): string[] | undefined {
  const value = readValue(record, key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw wrong(`${key} must be a list of texts`);
  return [...new Set(value)];
}

function wrong(message: string): OAuthError {
  return new OAuthError('invalid_client_metadata', message);
}
