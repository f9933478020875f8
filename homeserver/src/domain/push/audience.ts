import { THREAD_SUBSCRIPTION } from 'federation-spec/push-rules/check-push-condition.ts';
import type { PushRuleset } from 'federation-spec/push-rules/push-rule.ts';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../storage/database.ts';
import { listUsersWithPushRules } from '../../storage/notifications.ts';
import { listUsersWithPushers } from '../../storage/pushers.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { Interner } from '../rooms/interner.ts';
import type { Notifier } from '../streams/notifier.ts';

/** How many people's rules are kept in memory, and for how many rooms it is known who has rules of their own. */
const MAX_PEOPLE = 50_000;
const MAX_ROOMS = 10_000;

/** Somebody whose rules have to be asked for every event. The others have the default rules and nothing to push to. */
export type Listener = {
  userNid: number;
  userId: string;
  ruleset: PushRuleset;
  /** Whether a rule asks for the display name. */
  needsName: boolean;
  /** Whether a rule asks which threads they follow. */
  needsThreads: boolean;
  hasPusher: boolean;
  /** By room: whether what the room counts counts for them. */
  modes: Map<number, boolean>;
};

export type LoadPushRules = (user: { userNid: number; userId: string }) => Promise<PushRuleset>;

export type Audience = {
  /** Those of our joined members with rules or pushers of their own. */
  listListeners: (room: HotRoom) => Promise<readonly Listener[]>;
  /** One user's rules, whether or not they are in the room. */
  loadListener: (userNid: number) => Promise<Listener>;
  /** A user's pushers changed. */
  forget: (userNid: number) => void;
  /** What was remembered may not have been written. */
  forgetAll: () => void;
};

type Deps = { database: Database; notifier: Notifier; interner: Interner; loadPushRules: LoadPushRules };

export function createAudience({ database, notifier, interner, loadPushRules }: Deps): Audience {
  const people = new LRUCache<number, Listener>({ max: MAX_PEOPLE });
  /** Who is known to have no rules and no pushers. */
  const plain = new LRUCache<number, true>({ max: MAX_PEOPLE });
  const rooms = new LRUCache<number, readonly Listener[]>({ max: MAX_ROOMS });

  function forget(userNid: number): void {
    people.delete(userNid);
    plain.delete(userNid);
    rooms.clear();
  }

  notifier.onCommit(({ events, wakes }) => {
    for (const { row, memberships } of events) if (memberships.length > 0) rooms.delete(row.roomNid);
    for (const { pushRulesOf } of wakes) for (const userNid of pushRulesOf ?? []) forget(userNid);
  });

  async function loadListener(userNid: number): Promise<Listener> {
    const known = people.get(userNid);
    if (known !== undefined) return known;
    const userId = await interner.userId(userNid);
    const [ruleset, pushers] = await Promise.all([loadPushRules({ userNid, userId }), listUsersWithPushers(database.sql, [userNid])]);
    const rules = Object.values(ruleset).flat();
    const asks = (kind: string) =>
      rules.some((rule) => rule.enabled && rule.conditions?.some((condition) => condition.kind === kind) === true);
    const needs = { needsName: asks('contains_display_name'), needsThreads: asks(THREAD_SUBSCRIPTION) };
    const listener = { userNid, userId, ruleset, ...needs, hasPusher: pushers.length > 0, modes: new Map<number, boolean>() };
    people.set(userNid, listener);
    return listener;
  }

  return {
    loadListener,
    forget,
    forgetAll: () => {
      people.clear();
      plain.clear();
      rooms.clear();
    },
    listListeners: async (room) => {
      const known = rooms.get(room.nid);
      if (known !== undefined) return known;
      const members = [...room.localJoined].filter((userNid) => !plain.has(userNid));
      const unknown = members.filter((userNid) => !people.has(userNid));
      const [withRules, withPushers] =
        unknown.length === 0
          ? [[], []]
          : await Promise.all([listUsersWithPushRules(database.sql, unknown), listUsersWithPushers(database.sql, unknown)]);
      const special = new Set([...members.filter((userNid) => people.has(userNid)), ...withRules, ...withPushers]);
      for (const userNid of unknown) if (!special.has(userNid)) plain.set(userNid, true);
      const listeners: Listener[] = [];
      for (const userNid of special) listeners.push(await loadListener(userNid));
      rooms.set(room.nid, listeners);
      return listeners;
    },
  };
}
