import { selectAuthEvents } from '../../src/auth-rules/select-auth-events.ts';
import type { JsonObject, Pdu } from '../../src/events/event.ts';
import { eventIdOf } from '../../src/events/event-id.ts';
import { stateKeyOf } from '../../src/events/state-key.ts';
import { type RoomVersionRules, roomVersionRules } from '../../src/room-versions/room-versions.ts';

export const ALICE = '@alice:a.test';
export const BOB = '@bob:b.test';
export const CAROL = '@carol:c.test';
export const DAVE = '@dave:d.test';
export const EVE = '@eve:e.test';

export type State = Map<string, string>;

export type Draft = {
  type: string;
  sender: string;
  stateKey?: string;
  content?: JsonObject;
  /** Overrides the ids that the state would give. */
  authEvents?: string[];
  prevEvents?: string[];
  originServerTs?: number;
  depth?: number;
};

export type Sent = { eventId: string; event: Pdu; state: State };

/**
 * A room whose events are made by hand: each cites the auth events that its state gives it. Nothing is checked, so that wrong
 * histories can be made too. Time and depth go up by one for each event unless the draft says otherwise.
 */
export function createTestRoom(version: string) {
  const found = roomVersionRules(version);
  if (found === undefined) throw new Error(`no room version ${version}`);
  const rules: RoomVersionRules = found;
  const hasOwnIds = version === '1' || version === '2';
  const events = new Map<string, Pdu>();
  let roomId = '!room:a.test';
  let counter = 0;

  const refer = (eventIds: string[]): Pdu['prev_events'] => (hasOwnIds ? eventIds.map((id) => [id, { sha256: '' }]) : eventIds);

  function send(state: State, draft: Draft): Sent {
    counter += 1;
    const { type, sender, stateKey, content = {} } = draft;
    const cited = selectAuthEvents({ type, stateKey, sender, content }, rules)
      .map((pair) => state.get(stateKeyOf(pair.type, pair.stateKey)))
      .filter((id) => id !== undefined);
    const isNameless = type === 'm.room.create' && rules.createEventIdIsRoomId;
    const event: Pdu = {
      type,
      ...(isNameless ? {} : { room_id: roomId }),
      sender,
      ...(stateKey === undefined ? {} : { state_key: stateKey }),
      content,
      prev_events: refer(draft.prevEvents ?? []),
      auth_events: refer(draft.authEvents ?? cited),
      depth: draft.depth ?? counter,
      origin_server_ts: draft.originServerTs ?? counter,
      hashes: { sha256: '' },
      signatures: {},
      ...(hasOwnIds ? { event_id: `$${counter}:${sender.slice(sender.indexOf(':') + 1)}` } : {}),
    };
    const eventId = eventIdOf(event, rules);
    if (isNameless) roomId = `!${eventId.slice(1)}`;
    events.set(eventId, event);
    const after = new Map(state);
    if (stateKey !== undefined) after.set(stateKeyOf(type, stateKey), eventId);
    return { eventId, event, state: after };
  }

  return {
    rules,
    events,
    send,
    findEvent: (eventId: string): Pdu | undefined => events.get(eventId),
    get roomId(): string {
      return roomId;
    },
    /** Sends one after the other, each onto the state after the one before. */
    sendAll(state: State, drafts: Draft[]): Sent[] {
      let current = state;
      return drafts.map((draft) => {
        const sent = send(current, draft);
        current = sent.state;
        return sent;
      });
    },
    /** A room Alice made: create, her join, power levels (hers 100 where she is not privileged, Bob's 50), a join rule. */
    begin({ joinRule = 'public', create = {}, users = {} }: { joinRule?: string; create?: JsonObject; users?: JsonObject } = {}): State {
      const levels = { ...(rules.privilegedCreators ? {} : { [ALICE]: 100 }), [BOB]: 50, ...users };
      const creator = rules.creatorIsSender ? {} : { creator: ALICE };
      const content = { room_version: version, ...creator, ...create };
      const made = send(new Map(), { type: 'm.room.create', sender: ALICE, stateKey: '', content });
      const join = send(made.state, { ...joinOf(ALICE), prevEvents: [made.eventId] });
      const power = send(join.state, { type: 'm.room.power_levels', sender: ALICE, stateKey: '', content: { users: levels } });
      return send(power.state, { type: 'm.room.join_rules', sender: ALICE, stateKey: '', content: { join_rule: joinRule } }).state;
    },
  };
}

export type TestRoom = ReturnType<typeof createTestRoom>;

export function joinOf(userId: string): Draft {
  return { type: 'm.room.member', sender: userId, stateKey: userId, content: { membership: 'join' } };
}

export function membershipBy(sender: string, target: string, membership: string, more: JsonObject = {}): Draft {
  return { type: 'm.room.member', sender, stateKey: target, content: { membership, ...more } };
}

export function powerLevelsBy(sender: string, content: JsonObject): Draft {
  return { type: 'm.room.power_levels', sender, stateKey: '', content };
}

export function joinRuleBy(sender: string, joinRule: string): Draft {
  return { type: 'm.room.join_rules', sender, stateKey: '', content: { join_rule: joinRule } };
}

export function topicBy(sender: string, topic: string): Draft {
  return { type: 'm.room.topic', sender, stateKey: '', content: { topic } };
}
