import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { bulkPerspectivesKeyQuery } from 'federation-spec/api/server/keys.ts';
import { listSigningKeyIds, verifyJson } from 'federation-spec/signing/sign-json.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import type { FederationClient } from '../federation-client.ts';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 200 * 1024;
/** Most lists of one answer that are looked at. */
const MAX_LISTS = 10;

/** The lists of a server's keys that a notary of ours vouches for with its own signature, those of the first notary that has any. */
export type AskNotaries = (serverName: string, findServerKey: FindServerKey) => Promise<ServerKeys[]>;

type Deps = { client: FederationClient; notaries: readonly string[]; clock: Clock; logger: Logger };

/**
 * Asked when the server itself cannot be. Whether a list is signed by the server it is about is for the caller to check, as always.
 * https://spec.matrix.org/latest/server-server-api/#querying-keys-through-another-server
 */
export function createAskNotaries({ client, notaries, clock, logger }: Deps): AskNotaries {
  async function isVouchedFor(list: ServerKeys, notary: string, findServerKey: FindServerKey): Promise<boolean> {
    for (const keyId of listSigningKeyIds(list, notary)) {
      const publicKey = await findServerKey(notary, keyId, { at: clock.now(), enforcesValidity: true });
      if (publicKey !== undefined && (await verifyJson(list, { serverName: notary, keyId, publicKey }))) return true;
    }
    return false;
  }

  return async function askNotaries(serverName, findServerKey) {
    for (const notary of notaries) {
      if (notary === serverName) continue;
      try {
        const body = { server_keys: { [serverName]: {} } };
        const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES };
        const { server_keys: lists } = await client.call(notary, bulkPerspectivesKeyQuery, { body }, limits);
        const good: ServerKeys[] = [];
        for (const list of lists.slice(0, MAX_LISTS)) {
          if (list.server_name === serverName && (await isVouchedFor(list, notary, findServerKey))) good.push(list);
        }
        if (good.length > 0) return good;
      } catch (error) {
        logger.info({ notary, serverName, reason: error instanceof Error ? error.message : String(error) }, 'a notary could not help');
      }
    }
    return [];
  };
}
