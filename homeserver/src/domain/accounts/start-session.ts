import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Sql } from '../../storage/database.ts';
import { insertDevice } from '../../storage/devices.ts';
import { deleteOAuthSession } from '../../storage/oauth-sessions.ts';
import { deleteTokenPairs, insertTokenPair } from '../../storage/token-pairs.ts';
import type { AccessTokens } from './access-tokens.ts';
import { checkDeviceId, checkDeviceName } from './device-names.ts';
import { hashToken } from './hash-token.ts';

/** What a client is given to speak for a device. Times in milliseconds from now. */
export type TokenPair = { accessToken: string; refreshToken?: string; expiresInMs?: number };
export type Session = TokenPair & { userId: string; deviceId: string };

export type SessionOptions = {
  deviceId?: string | undefined;
  initialDeviceDisplayName?: string | undefined;
  /** Whether the client can refresh tokens; one that cannot gets a token that does not expire. */
  wantsRefreshToken?: boolean | undefined;
};

/** How long an access token lives that can be refreshed. */
export const ACCESS_TOKEN_LIFETIME_MS = 3_600_000;
const REFRESH_TOKEN_BITS = 256;
const DEVICE_ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DEVICE_ID_LENGTH = 10;

type Owner = { userNid: number; userId: string };
type Deps = { accessTokens: AccessTokens; clock: Clock; random: Random };

export type StartSession = (sql: Sql, owner: Owner, options: SessionOptions) => Promise<Session>;
export type IssueTokens = (
  sql: Sql,
  owner: Owner & { deviceId: string },
  purchase: { withRefreshToken: boolean; boughtWith?: number },
) => Promise<TokenPair>;

/** Makes a pair of tokens for a device. Bought with a refresh token, it stays unused until its first use. */
export function createIssueTokens({ accessTokens, clock, random }: Deps): IssueTokens {
  return async function issueTokens(sql, { userNid, userId, deviceId }, { withRefreshToken, boughtWith }) {
    const now = clock.now();
    const expiresAt = withRefreshToken ? now + ACCESS_TOKEN_LIFETIME_MS : undefined;
    const accessToken = await accessTokens.sign({ userId, deviceId, issuedAt: now, expiresAt });
    const refreshToken = withRefreshToken ? `bcr_${random.text(REFRESH_TOKEN_BITS)}` : undefined;
    await insertTokenPair(sql, {
      userNid,
      deviceId,
      accessHash: hashToken(accessToken),
      refreshHash: refreshToken === undefined ? undefined : hashToken(refreshToken),
      expiresAt,
      state: boughtWith === undefined ? 'used' : 'unused',
      boughtWith,
      createdAt: now,
    });
    return refreshToken === undefined ? { accessToken } : { accessToken, refreshToken, expiresInMs: ACCESS_TOKEN_LIFETIME_MS };
  };
}

/**
 * Logs a device in: makes it, or takes over the one of that name, whose older tokens end. Throws M_INVALID_PARAM for an id or a name that
 * is too long.
 * https://spec.matrix.org/latest/client-server-api/#relationship-between-access-tokens-and-devices
 */
export function createStartSession({
  clock,
  random,
  issueTokens,
}: Omit<Deps, 'accessTokens'> & { issueTokens: IssueTokens }): StartSession {
  return async function startSession(sql, { userNid, userId }, { deviceId, initialDeviceDisplayName, wantsRefreshToken }) {
    if (deviceId !== undefined) checkDeviceId(deviceId);
    if (initialDeviceDisplayName !== undefined) checkDeviceName(initialDeviceDisplayName);
    const id = deviceId ?? newDeviceId(random);
    await insertDevice(sql, { userNid, deviceId: id, displayName: initialDeviceDisplayName, createdAt: clock.now() });
    if (deviceId !== undefined) {
      await deleteTokenPairs(sql, userNid, id);
      await deleteOAuthSession(sql, userNid, id);
    }
    const tokens = await issueTokens(sql, { userNid, userId, deviceId: id }, { withRefreshToken: wantsRefreshToken ?? false });
    return { ...tokens, userId, deviceId: id };
  };
}

/** A device id for a client that names none. */
export function newDeviceId(random: Random): string {
  return Array.from({ length: DEVICE_ID_LENGTH }, () => DEVICE_ID_LETTERS.charAt(random.integer(DEVICE_ID_LETTERS.length))).join('');
}
