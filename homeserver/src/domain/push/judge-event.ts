import { isJsonObject, type JsonObject, type Pdu } from 'federation-spec/events/event.ts';
import { defaultPushRules } from 'federation-spec/push-rules/default-push-rules.ts';
import { evaluatePushRules, type PushEffect, readPushActions } from 'federation-spec/push-rules/evaluate-push-rules.ts';
import { createNotificationPermission } from 'federation-spec/push-rules/push-context.ts';
import type { PushRuleset } from 'federation-spec/push-rules/push-rule.ts';
import { MAIN_TIMELINE } from 'federation-spec/push-rules/thread-of.ts';
import type { Database } from '../../storage/database.ts';
import { listThreadFollowers } from '../../storage/thread-subscriptions.ts';
import { type HotRoom, MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Audience, Listener } from './audience.ts';

/** Most people who are looked for among those an event mentions; more are not notified beyond what the room counts. */
const MAX_MENTIONED = 500;

/** What an event means to one person. */
export type Judgement = { userNid: number; effect: PushEffect; listener?: Listener };

/** What an event means to our members. */
export type EventJudgement = {
  /** To everyone who has the default rules and is not in `people`. */
  general: PushEffect;
  people: Judgement[];
};

export type FindLocalUsers = (userIds: readonly string[]) => Promise<Map<string, number>>;

type Deps = { database: Database; rooms: HotRooms; audience: Audience; findLocalUsers: FindLocalUsers };

type Asked = { userId: string; displayName?: string | undefined; followsThread?: boolean | undefined };

/** A person no rule names: what the default rules say to them they say to everyone they do not name. */
const NOBODY = '@:';
const NOBODYS_RULES = defaultPushRules(NOBODY);

/**
 * Asks the push rules what an event means. The default rules are asked once, and once more for each person the event names; only those with
 * rules or pushers of their own are asked one by one.
 *
 * https://spec.matrix.org/latest/client-server-api/#push-rules
 */
export function createJudgeEvent({ database, rooms, audience, findLocalUsers }: Deps) {
  /** Who follows the event's thread, of those whose rules ask. */
  async function listFollowers(room: HotRoom, thread: string, listeners: readonly Listener[]): Promise<ReadonlySet<number>> {
    const asking = thread === MAIN_TIMELINE ? [] : listeners.filter(({ needsThreads }) => needsThreads);
    const userNids = asking.map(({ userNid }) => userNid);
    return new Set(await listThreadFollowers(database.sql, { roomNid: room.nid, rootId: thread, userNids }));
  }

  return async function judgeEvent(
    room: HotRoom,
    event: Pdu,
    { eventId, thread }: { eventId: string; thread: string },
  ): Promise<EventJudgement> {
    const shown = toShown(room, event, eventId);
    const base = contextOf(room, event.sender);
    const ask = (ruleset: PushRuleset, asked: Asked): PushEffect =>
      readPushActions(evaluatePushRules(ruleset, shown, { ...base, ...asked })?.actions ?? []);

    const people = new Map<number, Judgement>();
    const listeners = await audience.listListeners(room);
    await rooms.ensureMembers(
      room,
      listeners.filter((listener) => listener.needsName).map((listener) => listener.userId),
    );
    const followers = await listFollowers(room, thread, listeners);
    for (const listener of listeners) {
      const { userNid, userId, ruleset } = listener;
      const followsThread = thread === MAIN_TIMELINE ? undefined : followers.has(userNid);
      people.set(userNid, {
        userNid,
        listener,
        effect: ask(ruleset, { userId, displayName: displayNameOf(room, listener), followsThread }),
      });
    }

    const named = listNamed(event);
    for (const [userId, userNid] of named.length === 0 ? [] : await findLocalUsers(named)) {
      if (people.has(userNid)) continue;
      const isInvited = event.type === MEMBER && event.state_key === userId && event.content['membership'] === 'invite';
      if (!isInvited && !room.localJoined.has(userNid)) continue;
      const listener = isInvited ? await audience.loadListener(userNid) : undefined;
      const effect = ask(listener?.ruleset ?? defaultPushRules(userId), { userId });
      people.set(userNid, { userNid, effect, ...(listener === undefined ? {} : { listener }) });
    }
    return { general: ask(NOBODYS_RULES, { userId: NOBODY }), people: [...people.values()] };
  };
}

/** Whether a message that says nothing in particular notifies a person in a room: false while they have muted it. */
export function isCounting(room: HotRoom, { ruleset, userId }: Pick<Listener, 'ruleset' | 'userId'>): boolean {
  const type = room.find('m.room.encryption', '') === undefined ? 'm.room.message' : 'm.room.encrypted';
  const probe = { type, sender: NOBODY, room_id: room.roomId, content: { msgtype: 'm.text', body: '' } };
  const decision = evaluatePushRules(ruleset, probe, { ...contextOf(room, NOBODY), userId });
  return readPushActions(decision?.actions ?? []).notify;
}

/** What the rules may ask of the room, for an event of this sender. */
export function contextOf(room: HotRoom, sender: string) {
  let memberCount = 0;
  for (const joined of room.joinedServers.values()) memberCount += joined;
  return { memberCount, hasNotificationPermission: createNotificationPermission(sender, room, room.rules) };
}

/** An event as the rules see it. */
export function toShown(room: HotRoom, event: Pdu, eventId: string): JsonObject {
  const { type, sender, content, state_key } = event;
  return { event_id: eventId, room_id: room.roomId, type, sender, content, ...(state_key === undefined ? {} : { state_key }) };
}

function displayNameOf(room: HotRoom, { needsName, userId }: Listener): string | undefined {
  const name = needsName ? room.find(MEMBER, userId)?.content['displayname'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** The users an event names: in `m.mentions`, and by being about them. */
function listNamed(event: Pdu): string[] {
  const mentions = event.content['m.mentions'];
  const mentioned = isJsonObject(mentions) && Array.isArray(mentions['user_ids']) ? mentions['user_ids'] : [];
  const named = [...mentioned.slice(0, MAX_MENTIONED), event.type === MEMBER ? event.state_key : undefined];
  return [...new Set(named.filter((userId): userId is string => typeof userId === 'string'))];
}
