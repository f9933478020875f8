import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import type { Pool } from '../../../storage/database.ts';
import { countOAuthClients, deleteUnusedOAuthClients, findOAuthClient, internOAuthClient } from '../../../storage/oauth-clients.ts';
import { hashBody } from '../hash-body.ts';
import { type ClientMetadata, checkClientMetadata } from './client-metadata.ts';
import { OAuthError } from './oauth-error.ts';

export type OAuthClient = { clientId: string; metadata: ClientMetadata };

/** Clients register themselves: https://spec.matrix.org/latest/client-server-api/#dynamic-client-registration-flow */
export type OAuthClients = {
  /** Clients that say the same of themselves share a registration. @throws OAuthError */
  register(given: unknown): Promise<OAuthClient>;
  find(clientId: string): Promise<OAuthClient | undefined>;
  /** @throws OAuthError `invalid_client` */
  load(clientId: string | undefined): Promise<OAuthClient>;
};

const CLIENT_ID_BITS = 128;
const MAX_CLIENT_ID_CHARACTERS = 64;
const MAX_CLIENTS = 100_000;
/** How long a registration is kept that nobody logs in with. */
const UNUSED_LIFETIME_MS = 7 * 86_400_000;

export function createOAuthClients({ pool, clock, random }: { pool: Pool; clock: Clock; random: Random }): OAuthClients {
  async function find(clientId: string): Promise<OAuthClient | undefined> {
    if (clientId.length > MAX_CLIENT_ID_CHARACTERS) return undefined;
    const row = await findOAuthClient(pool, clientId);
    return row === undefined ? undefined : { clientId, metadata: JSON.parse(row.metadata) as ClientMetadata }; // written below
  }

  return {
    find,
    async load(clientId) {
      const client = clientId === undefined ? undefined : await find(clientId);
      if (client === undefined) throw new OAuthError('invalid_client', 'This client is not registered here', 401);
      return client;
    },
    async register(given) {
      const metadata = checkClientMetadata(given);
      const now = clock.now();
      await deleteUnusedOAuthClients(pool, now - UNUSED_LIFETIME_MS);
      if ((await countOAuthClients(pool)) >= MAX_CLIENTS) {
        throw new OAuthError('temporarily_unavailable', 'Too many clients are registered. Try again later.', 503);
      }
      const wanted = { clientId: random.text(CLIENT_ID_BITS), metadata: JSON.stringify(metadata), metadataHash: hashBody(metadata), now };
      return { clientId: await internOAuthClient(pool, wanted), metadata };
    },
  };
}
