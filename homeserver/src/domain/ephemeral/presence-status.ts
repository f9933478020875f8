import { isJsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';

/** Who has done something within this time is said to be active now. */
const ACTIVE_FOR_MS = 60_000;
export const MAX_STATUS_LENGTH = 512;

/** Somebody who is there and does not want to be disturbed. https://github.com/matrix-org/matrix-spec-proposals/pull/3026 */
export const BUSY = 'org.matrix.msc3026.busy';

export type PresenceState = 'online' | 'unavailable' | 'offline' | typeof BUSY;
export type PresenceStatus = { presence: PresenceState; last_active_ago?: number; status_msg?: string; currently_active?: boolean };

export type Person = {
  userId: string;
  presence: PresenceState;
  statusMsg?: string | undefined;
  lastActiveAt: number;
  changedAt: number;
  expiresAt: number;
  /** When other servers were told last. */
  toldAt?: number;
};

/** What is told of a person. https://spec.matrix.org/latest/client-server-api/#mpresence */
export function statusOf({ presence, statusMsg, lastActiveAt }: Person, now: number): PresenceStatus {
  const ago = Math.max(0, now - lastActiveAt);
  return {
    presence,
    last_active_ago: ago,
    ...(presence === 'online' ? { currently_active: ago < ACTIVE_FOR_MS } : {}),
    ...(statusMsg === undefined ? {} : { status_msg: statusMsg }),
  };
}

/** One person's entry of a presence EDU; undefined when it is not right, or not of the origin. */
export function readUpdate(entry: unknown, origin: string) {
  if (!isJsonObject(entry)) return undefined;
  const { user_id: userId, presence, last_active_ago: ago, status_msg: statusMsg } = entry;
  if (typeof userId !== 'string' || serverNameOf(userId) !== origin || !isPresenceState(presence)) return undefined;
  const lastActiveAgo = typeof ago === 'number' && Number.isSafeInteger(ago) && ago >= 0 ? ago : 0;
  return {
    userId,
    presence,
    lastActiveAgo,
    statusMsg: typeof statusMsg === 'string' ? statusMsg.slice(0, MAX_STATUS_LENGTH) : undefined,
  };
}

export function isPresenceState(value: unknown): value is PresenceState {
  return value === 'online' || value === 'unavailable' || value === 'offline' || value === BUSY;
}
