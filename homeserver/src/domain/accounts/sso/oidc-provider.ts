import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../../../platform/clock.ts';
import { asRecord, readText } from '../read-record.ts';

/** Asks for JSON, at addresses that the operator's provider names. */
export type RequestJson = (request: {
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent by POST when given. */
  form?: Readonly<Record<string, string>>;
}) => Promise<{ status: number; body: unknown }>;

export type OidcSettings = {
  /** What clients know it by. */
  id: string;
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** A well-known one, such as `google`: https://github.com/matrix-org/matrix-spec-proposals/blob/main/informal/idp-brands.md */
  brand?: string;
  /** A file of this server, `mxc://…`. */
  icon?: string;
};

/** Who somebody is at the provider. Only issuer and subject never change. */
export type UpstreamIdentity = { issuer: string; subject: string; userName?: string; displayName?: string };

/** Somebody else's sign-in page: https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth */
export type OidcProvider = Pick<OidcSettings, 'id' | 'name' | 'issuer' | 'brand' | 'icon'> & {
  /** Where to send the browser. */
  authorizeUrl(request: { state: string; nonce: string; codeChallenge: string; wantsAccount?: boolean | undefined }): Promise<string>;
  /** Who has come back with a code. @throws UpstreamRefusal when the provider's answer proves nothing */
  identify(answer: { code: string; codeVerifier: string; nonce: string }): Promise<UpstreamIdentity>;
};

/** The provider, or what somebody passed off as its answer, did not prove who is there. */
export class UpstreamRefusal extends Error {
  override readonly name = 'UpstreamRefusal';
}

type Metadata = {
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  jwksUri: string;
  usesPost: boolean;
  /** Whether it can be asked to show its sign-up form. */
  canCreate: boolean;
};

/** Signatures that only the provider can make: none of a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const SCOPE = 'openid profile email';
const METADATA_LIFETIME_MS = 3_600_000;
const KEYS_LIFETIME_MS = 300_000;
const CLOCK_TOLERANCE_S = 60;
const MAX_SUBJECT_CHARACTERS = 255;
const MAX_NAME_CHARACTERS = 256;

type Deps = { settings: OidcSettings; redirectUri: string; requestJson: RequestJson; clock: Clock };

export function createOidcProvider({ settings, redirectUri, requestJson, clock }: Deps): OidcProvider {
  const { clientId: _id, clientSecret: _secret, ...described } = settings;
  const loadMetadata = remember(clock, METADATA_LIFETIME_MS, async () => {
    const { status, body } = await requestJson({ url: `${settings.issuer}/.well-known/openid-configuration` });
    return readMetadata(status, body, settings.issuer);
  });
  const fetchKeys = async () => {
    const { body } = await requestJson({ url: (await loadMetadata()).jwksUri });
    if (!Array.isArray(asRecord(body)?.['keys'])) throw new UpstreamRefusal('The sign-in provider has no keys');
    return createLocalJWKSet(body as JSONWebKeySet); // each key is checked when it is used
  };
  const loadKeys = remember(clock, KEYS_LIFETIME_MS, fetchKeys);

  /** What a token says that the provider has signed, for us. Its keys may have changed since we looked. */
  async function verify(idToken: string): Promise<JWTPayload> {
    const { issuer } = await loadMetadata();
    const currentDate = new Date(clock.now());
    const options = { issuer, audience: settings.clientId, algorithms: ALGORITHMS, clockTolerance: CLOCK_TOLERANCE_S, currentDate };
    try {
      const keys = await loadKeys();
      const verified = await jwtVerify(idToken, keys, options).catch(async (error: unknown) => {
        if (error instanceof errors.JWKSNoMatchingKey) return await jwtVerify(idToken, await fetchKeys(), options);
        throw error;
      });
      return verified.payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new UpstreamRefusal(`The sign-in provider's answer is not sound: ${error.code}`);
      throw error;
    }
  }

  async function redeem(code: string, codeVerifier: string): Promise<string> {
    const { tokenEndpoint, usesPost } = await loadMetadata();
    const { clientId, clientSecret } = settings;
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: codeVerifier };
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64');
    const { status, body } = await requestJson(
      usesPost
        ? { url: tokenEndpoint, form: { ...form, client_id: clientId, client_secret: clientSecret } }
        : { url: tokenEndpoint, form, headers: { authorization: `Basic ${basic}` } },
    );
    const idToken = readText(asRecord(body), 'id_token');
    if (status !== 200 || idToken === undefined) throw new UpstreamRefusal(`The sign-in provider did not accept the code (${status})`);
    return idToken;
  }

  return {
    ...described,
    async authorizeUrl({ state, nonce, codeChallenge, wantsAccount = false }) {
      const { authorizationEndpoint, canCreate } = await loadMetadata();
      const url = new URL(authorizationEndpoint);
      const parameters = {
        response_type: 'code',
        client_id: settings.clientId,
        redirect_uri: redirectUri,
        scope: SCOPE,
        state,
        nonce,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256',
        ...(wantsAccount && canCreate ? { prompt: 'create' } : {}),
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.href;
    },
    async identify({ code, codeVerifier, nonce }) {
      const idToken = await redeem(code, codeVerifier);
      const payload = await verify(idToken);
      const { issuer } = await loadMetadata();
      const subject = payload.sub;
      if (payload['nonce'] !== nonce) throw new UpstreamRefusal('The sign-in provider answers another question than ours');
      if (subject === undefined || subject === '' || subject.length > MAX_SUBJECT_CHARACTERS)
        throw new UpstreamRefusal('The sign-in provider names nobody');
      const userName = readText(payload, 'preferred_username') ?? readText(payload, 'nickname') ?? readText(payload, 'email');
      const displayName = readText(payload, 'name')?.slice(0, MAX_NAME_CHARACTERS);
      return {
        issuer,
        subject,
        ...(userName === undefined ? {} : { userName }),
        ...(displayName === undefined ? {} : { displayName }),
      };
    },
  };
}

function readMetadata(status: number, body: unknown, issuer: string): Metadata {
  const record = asRecord(body);
  const read = (key: string): string => {
    const value = readText(record, key);
    if (status !== 200 || value === undefined) throw new UpstreamRefusal(`The sign-in provider does not tell its ${key} (${status})`);
    return value;
  };
  const told = read('issuer');
  if (told.replace(/\/+$/, '') !== issuer) throw new UpstreamRefusal(`The sign-in provider calls itself ${told}, not ${issuer}`);
  const prompts = record?.['prompt_values_supported'];
  const methods = record?.['token_endpoint_auth_methods_supported'];
  return {
    issuer: told,
    authorizationEndpoint: read('authorization_endpoint'),
    tokenEndpoint: read('token_endpoint'),
    jwksUri: read('jwks_uri'),
    canCreate: Array.isArray(prompts) && prompts.includes('create'),
    usesPost: Array.isArray(methods) && methods.includes('client_secret_post') && !methods.includes('client_secret_basic'),
  };
}

/** Loads once and again after a while; a failure is not remembered. */
function remember<Value>(clock: Clock, lifetimeMs: number, load: () => Promise<Value>): () => Promise<Value> {
  let known: { value: Value; until: number } | undefined;
  return async () => {
    if (known !== undefined && known.until > clock.now()) return known.value;
    const value = await load();
    known = { value, until: clock.now() + lifetimeMs };
    return value;
  };
}
