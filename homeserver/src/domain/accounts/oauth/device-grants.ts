import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import type { Pool } from '../../../storage/database.ts';
import { decideDeviceGrant, deleteExpiredDeviceGrants, findDeviceGrant, insertDeviceGrant } from '../../../storage/oauth-device-grants.ts';
import { hashToken } from '../hash-token.ts';
import { createThrottle } from '../throttle.ts';
import { DEVICE_CODE_GRANT } from './client-metadata.ts';
import type { OAuthClient, OAuthClients } from './clients.ts';
import { OAuthError } from './oauth-error.ts';
import { parseScope } from './scopes.ts';

/** Log-ins by a code that is typed, or scanned, elsewhere: https://spec.matrix.org/latest/client-server-api/#device-authorisation-flow */
export type DeviceGrants = {
  /** @throws OAuthError */
  begin(request: { clientId: string | undefined; scope: string }): Promise<DeviceGrant>;
  /** The pending grant a user code belongs to, and its client. @throws M_LIMIT_EXCEEDED when `askedBy` guessed wrong too often */
  find(userCode: string, askedBy: string): Promise<{ client: OAuthClient; deviceId: string } | undefined>;
  /** False when it was answered before, or has expired. */
  decide(userCode: string, decision: 'allowed' | 'denied', owner: { userNid: number; userId: string }): Promise<boolean>;
};

export type DeviceGrant = { deviceCode: string; userCode: string; expiresInMs: number; intervalMs: number };

export const DEVICE_GRANT_LIFETIME_MS = 1_200_000;
export const DEVICE_POLL_INTERVAL_MS = 5_000;
const DEVICE_CODE_BITS = 256;
/** No vowels, so that codes spell nothing, and no characters that look alike. */
const USER_CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const USER_CODE_LENGTH = 8;
const MAX_CODE_TRIES = 5;
/** Wrong codes of one person that are free, and how long until one more is. */
const WRONG_CODES_FREE = 10;
const WRONG_CODE_FORGIVE_MS = 60_000;

type Deps = { pool: Pool; clients: OAuthClients; clock: Clock; random: Random };

export function createDeviceGrants({ pool, clients, clock, random }: Deps): DeviceGrants {
  const throttle = createThrottle({ clock, burst: WRONG_CODES_FREE, forgiveMs: WRONG_CODE_FORGIVE_MS });
  const newUserCode = () =>
    Array.from({ length: USER_CODE_LENGTH }, () => USER_CODE_LETTERS.charAt(random.integer(USER_CODE_LETTERS.length))).join('');

  return {
    async begin({ clientId, scope }) {
      const client = await clients.load(clientId);
      if (!client.metadata.grant_types.includes(DEVICE_CODE_GRANT)) {
        throw new OAuthError('unauthorized_client', 'The client did not register for the device authorization grant');
      }
      const { deviceId, granted } = parseScope(scope);
      const now = clock.now();
      await deleteExpiredDeviceGrants(pool, now - DEVICE_GRANT_LIFETIME_MS);
      const deviceCode = `bcd_${random.text(DEVICE_CODE_BITS)}`;
      const grant = {
        deviceCodeHash: hashToken(deviceCode),
        clientId: client.clientId,
        deviceId,
        scope: granted,
        expiresAt: now + DEVICE_GRANT_LIFETIME_MS,
      };
      for (let attempt = 0; attempt < MAX_CODE_TRIES; attempt += 1) {
        const userCode = newUserCode();
        if (await insertDeviceGrant(pool, { ...grant, userCode })) {
          const shown = `${userCode.slice(0, 4)}-${userCode.slice(4)}`;
          return { deviceCode, userCode: shown, expiresInMs: DEVICE_GRANT_LIFETIME_MS, intervalMs: DEVICE_POLL_INTERVAL_MS };
        }
      }
      throw new OAuthError('temporarily_unavailable', 'Too many log-ins are under way. Try again later.', 503);
    },
    async find(userCode, askedBy) {
      throttle.check(askedBy);
      const grant = await findDeviceGrant(pool, plainUserCode(userCode));
      const client = grant === undefined ? undefined : await clients.find(grant.clientId);
      if (grant === undefined || client === undefined || grant.state !== 'pending' || grant.expiresAt <= clock.now()) {
        throttle.fail(askedBy);
        return undefined;
      }
      return { client, deviceId: grant.deviceId };
    },
    async decide(userCode, state, { userNid, userId }) {
      throttle.check(userId);
      const isDecided = await decideDeviceGrant(pool, plainUserCode(userCode), { state, userNid, now: clock.now() });
      if (!isDecided) throttle.fail(userId);
      return isDecided;
    },
  };
}

/** A user code as it is stored, from whatever people make of it when they type. */
function plainUserCode(typed: string): string {
  return typed
    .toUpperCase()
    .replace(/[^A-Z]/g, '')
    .slice(0, USER_CODE_LENGTH + 1);
}
