import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { findRoomRetention, listRetainingRooms } from '../../storage/purge.ts';
import type { Notifier } from '../streams/notifier.ts';
import { readPdu } from './read-pdu.ts';

export const RETENTION = 'm.room.retention';

/** What the operator wants. Times in milliseconds. */
export type RetentionSettings = {
  /** Whether anything is kept for less than ever. */
  isEnabled: boolean;
  /** How long rooms keep what is said that say nothing of it; for ever when undefined. */
  defaultMs?: number | undefined;
  /** The shortest and the longest that rooms may keep it. */
  shortestMs?: number | undefined;
  longestMs?: number | undefined;
};

/** How long rooms keep what is said in them. https://github.com/matrix-org/matrix-spec-proposals/pull/1763 */
export type RetentionPolicies = {
  settings: RetentionSettings;
  /** Milliseconds; undefined for a room that keeps everything. */
  lifetimeOf: (roomNid: number) => number | undefined;
  /** Whether an event has had its time, and is shown to nobody any more. The room's state always stays. */
  isExpired: (event: Pick<StoredEvent, 'roomNid' | 'keyNid' | 'json'>) => boolean;
};

type Policy = { shortest: number | undefined; longest: number | undefined };
type Deps = { database: Database; notifier: Notifier; clock: Clock; logger: Logger; settings: RetentionSettings };

/** Knows the policies of all rooms, and follows what becomes of them. */
export async function createRetentionPolicies({ database, notifier, clock, logger, settings }: Deps): Promise<RetentionPolicies> {
  const policies = new Map<number, Policy>();
  const keys = new Set<number>();

  function take(roomNid: number, json: string | undefined): void {
    const policy = json === undefined ? undefined : readPolicy(readPdu(json).content);
    if (policy === undefined) policies.delete(roomNid);
    else policies.set(roomNid, policy);
  }

  /** For a policy that a resolution brought back, or took away. */
  async function load(roomNid: number): Promise<void> {
    try {
      take(roomNid, await findRoomRetention(database.sql, roomNid));
    } catch (error) {
      logger.error({ err: error, roomNid }, 'how long a room keeps what is said is not known');
    }
  }

  if (settings.isEnabled) {
    for (const { roomNid, keyNid, json } of await listRetainingRooms(database.sql)) {
      keys.add(keyNid);
      take(roomNid, json);
    }
    notifier.onCommit(({ events }) => {
      for (const { row, stateChanges } of events) {
        if (row.type === RETENTION && row.keyNid !== null) keys.add(row.keyNid);
        for (const { keyNid, eventNid } of stateChanges) {
          if (!keys.has(keyNid)) continue;
          if (eventNid === row.eventNid && row.type === RETENTION)
            take(row.roomNid, readPdu(row.json).state_key === '' ? row.json : undefined);
          else void load(row.roomNid);
        }
      }
    });
  }

  function lifetimeOf(roomNid: number): number | undefined {
    if (!settings.isEnabled) return undefined;
    const { shortest = 0, longest = settings.defaultMs } = policies.get(roomNid) ?? { shortest: undefined, longest: undefined };
    if (longest === undefined) return undefined;
    const wanted = Math.max(longest, shortest, settings.shortestMs ?? 0);
    return Math.min(wanted, settings.longestMs ?? Number.POSITIVE_INFINITY);
  }

  return {
    settings,
    lifetimeOf,
    isExpired: ({ roomNid, keyNid, json }) => {
      const lifetime = keyNid === null ? lifetimeOf(roomNid) : undefined;
      return lifetime !== undefined && readPdu(json).origin_server_ts < clock.now() - lifetime;
    },
  };
}

/** Undefined for what is no policy: it says nothing then. */
function readPolicy({ min_lifetime, max_lifetime }: Readonly<Record<string, unknown>>): Policy | undefined {
  const [shortest, longest] = [readLifetime(min_lifetime), readLifetime(max_lifetime)];
  return shortest === undefined && longest === undefined ? undefined : { shortest, longest };
}

function readLifetime(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** What is wrong with a policy that somebody wants to set, in words; undefined when nothing is. */
export function findRetentionFault(
  content: Readonly<Record<string, unknown>>,
  { shortestMs, longestMs }: RetentionSettings,
): string | undefined {
  const lifetimes: Record<string, number | undefined> = {};
  for (const key of ['min_lifetime', 'max_lifetime']) {
    const value = content[key];
    if (value === undefined || value === null) continue;
    const lifetime = readLifetime(value);
    if (lifetime === undefined) return `${key} must be a whole number of milliseconds.`;
    if (lifetime < (shortestMs ?? 0)) return `${key} may be ${shortestMs} at least on this server.`;
    if (lifetime > (longestMs ?? Number.POSITIVE_INFINITY)) return `${key} may be ${longestMs} at most on this server.`;
    lifetimes[key] = lifetime;
  }
  const { min_lifetime: shortest = 0, max_lifetime: longest = Number.POSITIVE_INFINITY } = lifetimes;
  return shortest > longest ? 'min_lifetime may not be more than max_lifetime.' : undefined;
}
