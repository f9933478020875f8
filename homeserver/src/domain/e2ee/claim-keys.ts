import type { JsonValue } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { tooLarge } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { borrowFallbackKey, takeOneTimeKey } from '../../storage/one-time-keys.ts';
import { findUserNids } from '../../storage/users.ts';
import type { KeyCounts } from './key-counts.ts';

/** Algorithms by user id and device id. */
export type ClaimRequest = Readonly<Record<string, Readonly<Record<string, string>>>>;
/** Keys by user id, device id and full key id. */
export type ClaimedKeys = Record<string, Record<string, Record<string, JsonValue>>>;

/** Claims keys of another server's users. https://spec.matrix.org/latest/server-server-api/#post_matrixfederationv1userkeysclaim */
export type ClaimRemoteKeys = (serverName: string, wanted: ClaimRequest, timeoutMs: number) => Promise<ClaimedKeys>;

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

type Deps = { pool: Pool; keyCounts: KeyCounts; claimRemoteKeys: ClaimRemoteKeys; serverName: string };

export function createClaimKeys({ pool, keyCounts, claimRemoteKeys, serverName }: Deps): ClaimKeys {
  /** A one-time key while there are any, then the fallback key. Committed before it is given: nobody else gets the same. */
  async function claimOne(userNid: number, deviceId: string, algorithm: string): Promise<Record<string, JsonValue> | undefined> {
    const wanted = { userNid, deviceId, algorithm };
    const taken = (await takeOneTimeKey(pool, wanted)) ?? (await borrowFallbackKey(pool, wanted));
    if (taken === undefined) return undefined;
    keyCounts.forget({ userNid, deviceId });
    return { [`${algorithm}:${taken.keyId}`]: JSON.parse(taken.key) as JsonValue };
  }

  async function claimLocal(wanted: ClaimRequest): Promise<ClaimedKeys> {
    const nids = await findUserNids(pool, Object.keys(wanted));
    const claims = [...nids].flatMap(([userId, userNid]) =>
      Object.entries(wanted[userId] ?? {}).map(([deviceId, algorithm]) => ({ userId, userNid, deviceId, algorithm })),
    );
    if (claims.length > MAX_CLAIMS) throw tooLarge(`At most ${MAX_CLAIMS} keys can be claimed at once`);
    const claimed: ClaimedKeys = {};
    for (let at = 0; at < claims.length; at += CLAIMS_AT_ONCE) {
      await Promise.all(
        claims.slice(at, at + CLAIMS_AT_ONCE).map(async ({ userId, userNid, deviceId, algorithm }) => {
          const key = await claimOne(userNid, deviceId, algorithm);
          if (key !== undefined) claimed[userId] = { ...claimed[userId], [deviceId]: key };
        }),
      );
    }
    return claimed;
  }

  function partOf(wanted: ClaimRequest, isWanted: (server: string | undefined) => boolean): ClaimRequest {
    return Object.fromEntries(Object.entries(wanted).filter(([userId]) => isWanted(serverNameOf(userId))));
  }

  return {
    forServer: (wanted) => claimLocal(partOf(wanted, (server) => server === serverName)),
    async forClient(wanted, timeoutMs) {
      const oneTimeKeys = await claimLocal(partOf(wanted, (server) => server === serverName));
      const failures: Record<string, { errcode: string; error: string }> = {};
      const servers = new Set(Object.keys(wanted).map(serverNameOf));
      const patienceMs = Math.min(Math.max(timeoutMs, 1_000), MAX_TIMEOUT_MS);
      await Promise.all(
        [...servers].map(async (server) => {
          if (server === undefined || server === serverName) return;
          const asked = partOf(wanted, (of) => of === server);
          try {
            const claimed = await claimRemoteKeys(server, asked, patienceMs);
            for (const userId of Object.keys(asked)) {
              const keys = Object.hasOwn(claimed, userId) ? claimed[userId] : undefined;
              const wantedDevices = Object.entries(keys ?? {}).filter(([deviceId]) => Object.hasOwn(asked[userId] ?? {}, deviceId));
              if (keys !== undefined) oneTimeKeys[userId] = Object.fromEntries(wantedDevices);
            }
          } catch {
            failures[server] = { errcode: 'M_UNKNOWN', error: 'The server did not answer' };
          }
        }),
      );
      return { oneTimeKeys, failures };
    },
  };
}
