import { type ServerKeys, ServerKeysSchema } from 'federation-spec/api/schemas/server-keys.ts';
import { bulkPerspectivesKeyQuery } from 'federation-spec/api/server/keys.ts';
import { listSigningKeyIds, verifyJson } from 'federation-spec/signing/sign-json.ts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import type { FederationClient } from '../federation-client.ts';
import { createQuestionBatcher, type WantedKeys } from './question-batcher.ts';

/** A notary may have to ask the servers itself. */
const TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Most servers about which a notary is asked at once. */
const MAX_SERVERS_ASKED = 100;
/** Most lists about one server that are looked at. */
const MAX_LISTS = 10;

const isKeyList = Compile(ServerKeysSchema);
/** What is odd about one server's list must not hide the others: each is looked at by itself. */
const LOOSE_KEY_QUERY = { ...bulkPerspectivesKeyQuery, response: Type.Object({ server_keys: Type.Array(Type.Unknown()) }) };

/** The lists of a server's keys that notaries of ours vouch for with their own signatures; the next one is asked for what is not in them. */
export type AskNotaries = (serverName: string, wanted: WantedKeys, findServerKey: FindServerKey) => Promise<ServerKeys[]>;

type Deps = { client: FederationClient; notaries: readonly string[]; clock: Clock; logger: Logger };

/**
 * Asked when the server itself cannot be; about several servers by one query. Whether a list is signed by the server it is about is for
 * the caller to check, as always. https://spec.matrix.org/latest/server-server-api/#querying-keys-through-another-server
 */
export function createAskNotaries({ client, notaries, clock, logger }: Deps): AskNotaries {
  const batchers = new Map(
    notaries.map((notary) => {
      const ask = (questions: ReadonlyMap<string, WantedKeys>) => query(notary, questions);
      return [notary, createQuestionBatcher({ ask, maxTogether: MAX_SERVERS_ASKED })];
    }),
  );

  async function query(notary: string, questions: ReadonlyMap<string, WantedKeys>): Promise<Map<string, ServerKeys[]>> {
    const server_keys = Object.fromEntries(
      [...questions].map(([serverName, wanted]) => [
        serverName,
        Object.fromEntries(Object.entries(wanted).map(([keyId, until]) => [keyId, { minimum_valid_until_ts: until }])),
      ]),
    );
    try {
      const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES };
      const answer = await client.call(notary, LOOSE_KEY_QUERY, { body: { server_keys } }, limits);
      const byServer = Map.groupBy(
        answer.server_keys.filter((list) => isKeyList.Check(list)),
        (list) => list.server_name,
      );
      return new Map([...byServer].map(([serverName, lists]) => [serverName, lists.slice(0, MAX_LISTS)]));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.info({ notary, servers: questions.size, reason }, 'a notary could not help');
      return new Map();
    }
  }

  async function isVouchedFor(list: ServerKeys, notary: string, findServerKey: FindServerKey): Promise<boolean> {
    for (const keyId of listSigningKeyIds(list, notary)) {
      const publicKey = await findServerKey(notary, keyId, { at: clock.now(), enforcesValidity: true });
      if (publicKey !== undefined && (await verifyJson(list, { serverName: notary, keyId, publicKey }))) return true;
    }
    return false;
  }

  return async function askNotaries(serverName, wanted, findServerKey) {
    const good: ServerKeys[] = [];
    for (const [notary, ask] of batchers) {
      if (notary === serverName) continue;
      for (const list of (await ask(serverName, wanted)) ?? []) if (await isVouchedFor(list, notary, findServerKey)) good.push(list);
      if (good.length > 0 && hasAll(good, wanted)) break;
    }
    return good;
  };
}

/** Whether each wanted key is in the lists, and good for as long as it is wanted, or is told to be good no more. */
function hasAll(lists: readonly ServerKeys[], wanted: WantedKeys): boolean {
  return Object.entries(wanted).every(([keyId, until]) =>
    lists.some(
      ({ verify_keys: keys, old_verify_keys: old, valid_until_ts: validUntil }) =>
        (Object.hasOwn(keys, keyId) && validUntil >= until) || Object.hasOwn(old ?? {}, keyId),
    ),
  );
}
