import { finishUpstreamSignIn } from 'federation-spec/api/oauth/authorization-server.ts';
import type { Config } from './config/config.ts';
import { readProviders } from './config/read-providers.ts';
import type { Accounts } from './domain/accounts/create-accounts.ts';
import { createOidcProvider, type OidcSettings, type RequestJson, UpstreamRefusal } from './domain/accounts/sso/oidc-provider.ts';
import { createSingleSignOn, type SingleSignOn } from './domain/accounts/sso/single-sign-on.ts';
import type { Clock } from './platform/clock.ts';
import { createHttpClient } from './platform/http-client/http-client.ts';
import { readExtraCa } from './platform/http-client/read-ca.ts';
import type { Logger } from './platform/logger.ts';
import type { Random } from './platform/random.ts';
import type { Pool } from './storage/database.ts';

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 262_144;
/** What clients know the provider by that stands in settings of its own. */
const ONLY_ID = 'oidc';

type Deps = { config: Config; pool: Pool; clock: Clock; random: Random; logger: Logger; accounts: Accounts };

/** Signing in by the operator's OpenID Connect providers, where the settings name any. They may be anywhere: they are the operator's own. */
export async function composeSingleSignOn(deps: Deps): Promise<{ sso: SingleSignOn | undefined; close: () => Promise<void> }> {
  const { config, accounts, clock, logger } = deps;
  const settings = await readSettings(config);
  if (settings.length === 0) return { sso: undefined, close: async () => undefined };

  const http = createHttpClient({ extraCa: await readExtraCa(config.outboundCa), verifyTls: config.outboundTlsVerify });
  const requestJson: RequestJson = async ({ url, headers = {}, form }) => {
    try {
      const { status, body } = await http.request({
        method: form === undefined ? 'GET' : 'POST',
        url,
        headers: {
          accept: 'application/json',
          ...headers,
          ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
        timeoutMs: REQUEST_TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
      });
      return { status, body: JSON.parse(new TextDecoder().decode(body)) as unknown };
    } catch (error) {
      logger.warn({ err: error, url }, 'the sign-in provider does not answer as it should');
      throw new UpstreamRefusal('The sign-in provider cannot be reached. Try again later.');
    }
  };
  const redirectUri = config.publicUrl + finishUpstreamSignIn.path;
  const providers = settings.map((each) => createOidcProvider({ settings: each, redirectUri, requestJson, clock }));
  return { sso: createSingleSignOn({ ...deps, ...accounts, providers, serverName: config.serverName }), close: http.close };
}

/** The one provider that settings name, and those of a file. */
async function readSettings(config: Config): Promise<OidcSettings[]> {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret, oidcName: name, oidcProviders: file } = config;
  const isOne = issuer !== undefined && clientId !== undefined && clientSecret !== undefined;
  const one = isOne ? [{ id: ONLY_ID, name, issuer, clientId, clientSecret }] : [];
  const several = file === undefined ? [] : await readProviders(file);
  if (isOne && several.some(({ id }) => id === ONLY_ID))
    throw new Error(`BLINKCHAT_OIDC_PROVIDERS: the id ${ONLY_ID} is BLINKCHAT_OIDC_ISSUER's`);
  return [...one, ...several];
}
