import type { Config } from './config/config.ts';
import { createIdentityBindings, type IdentityBindings } from './domain/accounts/identity-bindings.ts';
import { createPeerPolicy } from './domain/federation/peer-policy.ts';
import type { EventSigner } from './domain/rooms/prepare-event.ts';
import type { HttpClient } from './platform/http-client/http-client.ts';
import type { Logger } from './platform/logger.ts';
import { badGateway } from './platform/matrix-error.ts';
import type { Pool } from './storage/database.ts';

const REQUEST_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 65_536;

/** People name identity servers themselves, so `http` must be guarded. */
type Deps = { config: Config; pool: Pool; http: HttpClient; signer: EventSigner; logger: Logger };

/** Publishing addresses at identity servers. */
export function composeIdentity({ config, pool, http, signer, logger }: Deps): IdentityBindings {
  return createIdentityBindings({
    pool,
    signer,
    isAllowed: createPeerPolicy(config.identityServers, ''),
    async post({ url, body, authorization }) {
      try {
        const headers = { 'content-type': 'application/json', authorization };
        const answer = await http.request({
          method: 'POST',
          url,
          headers,
          body,
          timeoutMs: REQUEST_TIMEOUT_MS,
          maxBytes: MAX_ANSWER_BYTES,
        });
        return { status: answer.status, body: parse(answer.body) };
      } catch (error) {
        logger.warn({ err: error, url }, 'an identity server cannot be reached');
        throw badGateway(`The identity server ${new URL(url).host} cannot be reached`);
      }
    },
  });
}

/** A refusal may be anything. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
