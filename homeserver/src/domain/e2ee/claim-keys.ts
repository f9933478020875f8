import { isJsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { tooLarge } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { borrowFallbackKey, takeOneTimeKey } from '../../storage/one-time-keys.ts';
import { findUserNids } from '../../storage/users.ts';
import { askServers, noAnswer, notAsked } from './ask-servers.ts';
import { checkOneTimeKey, own, signingKeyOf } from './check-keys.ts';
import type { KeyCounts } from './key-counts.ts';
import type { ReadKeys } from './read-keys.ts';

/** Algorithms by user id and device id. */
export type ClaimRequest = Readonly<Record<string, Readonly<Record<string, string>>>>;
/** Keys by user id, device id and full key id. */
export type ClaimedKeys = Record<string, Record<string, Record<string, JsonValue>>>;

/** Claims keys of another server's users. https://spec.matrix.org/latest/server-server-api/#post_matrixfederationv1userkeysclaim */
export type ClaimRemoteKeys = (serverName: string, wanted: ClaimRequest, timeoutMs: number) => Promise<ClaimedKeys>;

/** Claims keys of whoever keeps them for users of this server, outside of it; empty for users whose keys nobody else keeps. */
export type AskForOneTimeKeys = (wanted: ClaimRequest) => Promise<ClaimedKeys>;

export type ClaimKeys = {
  /** https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysclaim */
  forClient(
    wanted: ClaimRequest,
    timeoutMs: number,
  ): Promise<{ oneTimeKeys: ClaimedKeys; failures: Record<string, { errcode: string; error: string }> }>;
  forServer(wanted: ClaimRequest): Promise<ClaimedKeys>;
};

const MAX_CLAIMS = 10_000;
const CLAIMS_AT_ONCE = 8;
const MAX_TIMEOUT_MS = 30_000;

type Deps = {
  pool: Pool;
  keyCounts: KeyCounts;
  readKeys: ReadKeys;
  claimRemoteKeys: ClaimRemoteKeys;
  askForOneTimeKeys: AskForOneTimeKeys;
  serverName: string;
};

export function createClaimKeys({ pool, keyCounts, readKeys, claimRemoteKeys, askForOneTimeKeys, serverName }: Deps): ClaimKeys {
  type Claim = { userId: string; userNid: number | undefined; deviceId: string; algorithm: string };
  type Give = (
    sql: Pool,
    wanted: { userNid: number; deviceId: string; algorithm: string },
  ) => Promise<{ keyId: string; key: string } | undefined>;

  /** Gives stored keys for claims, and the claims it has none for. Committed before it is given: nobody else gets the same. */
  async function giveStored(claims: readonly Claim[], give: Give, claimed: ClaimedKeys): Promise<Claim[]> {
    const unmet: Claim[] = [];
    for (let at = 0; at < claims.length; at += CLAIMS_AT_ONCE) {
      await Promise.all(
        claims.slice(at, at + CLAIMS_AT_ONCE).map(async (claim) => {
          const { userNid, deviceId, algorithm } = claim;
          const given = userNid === undefined ? undefined : await give(pool, { userNid, deviceId, algorithm });
          if (userNid === undefined || given === undefined) return unmet.push(claim);
          keyCounts.forget({ userNid, deviceId });
          return addKey(claimed, claim, `${algorithm}:${given.keyId}`, JSON.parse(given.key) as JsonValue);
        }),
      );
    }
    return unmet;
  }

  /** Gives keys that are kept outside of here, and the claims that are left. */
  async function giveAsked(claims: readonly Claim[], claimed: ClaimedKeys): Promise<Claim[]> {
    if (claims.length === 0) return [];
    const byUser = Map.groupBy(claims, (claim) => claim.userId);
    const told = await askForOneTimeKeys(
      Object.fromEntries([...byUser].map(([userId, of]) => [userId, Object.fromEntries(of.map((c) => [c.deviceId, c.algorithm]))])),
    );
    const answered = claims.filter(({ userId }) => Object.hasOwn(told, userId));
    const nids = new Map(answered.map(({ userId, userNid }) => [userId, userNid]));
    const users = [...nids].flatMap(([userId, userNid]) => (userNid === undefined ? [] : [{ userId, userNid }]));
    const stored = await readKeys(users, undefined);
    const met = new Set<Claim>();
    for (const claim of answered) {
      const { userId, deviceId, algorithm } = claim;
      const keys = own(own(told, userId), deviceId);
      const [fullId] = isJsonObject(keys) ? Object.keys(keys).filter((id) => id.startsWith(`${algorithm}:`)) : [];
      if (fullId === undefined) continue;
      const key = own(keys, fullId);
      const publicKey = signingKeyOf(stored.get(userId)?.devices.get(deviceId), deviceId);
      if (key === undefined || !(await checkOneTimeKey(fullId, key, { userId, deviceId, publicKey })).allowed) continue;
      addKey(claimed, claim, fullId, key);
      met.add(claim);
    }
    return claims.filter((claim) => !met.has(claim));
  }

  /** A one-time key while there are any, here or with who keeps them; then the fallback key. */
  async function claimLocal(wanted: ClaimRequest): Promise<ClaimedKeys> {
    refuseTooMany(wanted);
    const nids = await findUserNids(pool, Object.keys(wanted));
    const claims = Object.entries(wanted).flatMap(([userId, devices]) =>
      Object.entries(devices).map(([deviceId, algorithm]) => ({ userId, userNid: nids.get(userId), deviceId, algorithm })),
    );
    const claimed: ClaimedKeys = {};
    const withoutOneTimeKey = await giveStored(claims, takeOneTimeKey, claimed);
    const left = await giveAsked(withoutOneTimeKey, claimed);
    await giveStored(left, borrowFallbackKey, claimed);
    return claimed;
  }

  function partOf(wanted: ClaimRequest, isWanted: (server: string | undefined) => boolean): ClaimRequest {
    return Object.fromEntries(Object.entries(wanted).filter(([userId]) => isWanted(serverNameOf(userId))));
  }

  return {
    forServer: (wanted) => claimLocal(partOf(wanted, (server) => server === serverName)),
    async forClient(wanted, timeoutMs) {
      refuseTooMany(wanted);
      const oneTimeKeys: ClaimedKeys = {};
      const failures: Record<string, { errcode: string; error: string }> = {};
      const byServer = Map.groupBy(Object.entries(wanted), ([userId]) => serverNameOf(userId) ?? '');
      const patienceMs = Math.min(Math.max(timeoutMs, 1_000), MAX_TIMEOUT_MS);
      const claimOfServer = async (server: string) => {
        const asked: ClaimRequest = Object.fromEntries(byServer.get(server) ?? []);
        try {
          const claimed = await claimRemoteKeys(server, asked, patienceMs);
          for (const userId of Object.keys(asked)) {
            const keys = Object.hasOwn(claimed, userId) ? claimed[userId] : undefined;
            const wantedDevices = Object.entries(keys ?? {}).filter(([deviceId]) => Object.hasOwn(asked[userId] ?? {}, deviceId));
            if (keys !== undefined) oneTimeKeys[userId] = Object.fromEntries(wantedDevices);
          }
        } catch {
          failures[server] = noAnswer();
        }
      };
      const remote = [...byServer.keys()].filter((server) => server !== serverName && server !== '');
      const asking = askServers(remote, {
        patienceMs,
        ask: claimOfServer,
        missed: (server) => {
          failures[server] = notAsked();
        },
      });
      const [local] = await Promise.all([claimLocal(Object.fromEntries(byServer.get(serverName) ?? [])), asking]);
      Object.assign(oneTimeKeys, local);
      return { oneTimeKeys, failures };
    },
  };
}

/** @throws M_TOO_LARGE */
function refuseTooMany(wanted: ClaimRequest): void {
  const count = Object.values(wanted).reduce((sum, devices) => sum + Object.keys(devices).length, 0);
  if (count > MAX_CLAIMS) throw tooLarge(`At most ${MAX_CLAIMS} keys can be claimed at once`);
}

function addKey(claimed: ClaimedKeys, { userId, deviceId }: { userId: string; deviceId: string }, fullId: string, key: JsonValue): void {
  claimed[userId] = { ...claimed[userId], [deviceId]: { [fullId]: key } };
}
