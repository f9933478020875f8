import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import { checkAuthRules } from '../../src/auth-rules/check-auth-rules.ts';
import type { JsonObject, Pdu } from '../../src/events/event.ts';
import { eventIdOf } from '../../src/events/event-id.ts';
import { stateKeyOf } from '../../src/events/state-key.ts';
import { defaultPushRules } from '../../src/push-rules/default-push-rules.ts';
import { evaluatePushRules } from '../../src/push-rules/evaluate-push-rules.ts';
import { createNotificationPermission } from '../../src/push-rules/push-context.ts';
import type { PushAction, PushRuleset } from '../../src/push-rules/push-rule.ts';
import { ROOM_VERSIONS, type RoomVersionRules, roomVersionRules } from '../../src/room-versions/room-versions.ts';
import { resolveState } from '../../src/state-resolution/resolve-state.ts';
import type { VectorCase } from './vector-cases.ts';

/** The vectors of auth rules, state resolution and push rules, by their path below `vectors/`. See `vector-cases.ts`. */
export const RULE_VECTOR_FILES: readonly string[] = [
  ...ROOM_VERSIONS.map((version) => `auth-rules/v${version}.json`),
  'auth-rules/third-party-invites.json',
  ...ROOM_VERSIONS.map((version) => `state-resolution/v${version}.json`),
  'push-rules/evaluation.json',
];

/** Turns a parsed file into cases to run. It uses nothing of Node. */
export function listRuleVectorCases(name: string, file: unknown): VectorCase[] {
  if (name.startsWith('auth-rules/')) return listAuthCases(file as AuthFile);
  if (name.startsWith('state-resolution/')) return listStateCases(file as StateFile);
  return listPushCases(file as PushFile);
}

type AuthFile = {
  room_version: string;
  events: Record<string, Pdu>;
  cases: { shows: string; state: string[]; event: Pdu; allowed: boolean }[];
};

function listAuthCases({ room_version, events, cases }: AuthFile): VectorCase[] {
  const rules = rulesOf(room_version);
  return cases.map(({ shows, state, event, allowed }) =>
    ruleCase(shows, () => {
      const verdict = checkAuthRules(event, createAuthState(state.map((name) => pick(events, name))), rules);
      const reason = verdict.allowed ? undefined : verdict.reason;
      return [
        { allowed: verdict.allowed, isExplained: allowed || /^[A-Za-z@$!].+\.$/.test(reason ?? '') },
        { allowed, isExplained: true },
      ];
    }),
  );
}

type StateFile = {
  room_version: string;
  cases: {
    shows: string;
    events: Record<string, Pdu>;
    rejected?: string[];
    state_sets: string[][];
    resolved: { type: string; state_key: string; event_id: string | null }[];
  }[];
};

/** Each case is run as it stands, with the states in reverse, and with every state twice. */
function listStateCases({ room_version, cases }: StateFile): VectorCase[] {
  const rules = rulesOf(room_version);
  return cases.map(({ shows, events, rejected = [], state_sets, resolved }) =>
    ruleCase(shows, () => {
      const keyOf = (eventId: string): string => stateKeyOf(pick(events, eventId).type, pick(events, eventId).state_key ?? '');
      const stateSets = state_sets.map((eventIds) => new Map(eventIds.map((eventId) => [keyOf(eventId), eventId])));
      const lookups = { findEvent: (eventId: string) => events[eventId], isRejected: (eventId: string) => rejected.includes(eventId) };
      const answers = [stateSets, stateSets.toReversed(), [...stateSets, ...stateSets]].map((sets) => {
        const state = resolveState({ rules, stateSets: sets, ...lookups });
        return resolved.map(({ type, state_key }) => ({ type, state_key, event_id: state.get(stateKeyOf(type, state_key)) ?? null }));
      });
      const eventIds = Object.values(events).map((event) => eventIdOf(event, rules));
      return [
        { eventIds, answers },
        { eventIds: Object.keys(events), answers: [resolved, resolved, resolved] },
      ];
    }),
  );
}

type PushFile = {
  user_id: string;
  cases: {
    shows: string;
    event: JsonObject & { sender: string };
    display_name?: string;
    members?: number;
    rules?: PushRuleset;
    room_version?: string;
    state?: Pdu[];
    expected: { rule_id: string; actions: PushAction[] } | null;
  }[];
};

function listPushCases({ user_id: userId, cases }: PushFile): VectorCase[] {
  return cases.map(({ shows, event, display_name, members = 3, rules, room_version = '11', state = [], expected }) =>
    ruleCase(shows, () => {
      const decision = evaluatePushRules(rules ?? defaultPushRules(userId), event, {
        userId,
        displayName: display_name,
        memberCount: members,
        hasNotificationPermission: createNotificationPermission(event.sender, createAuthState(state), rulesOf(room_version)),
      });
      return [decision === undefined ? null : { rule_id: decision.ruleId, actions: decision.actions }, expected];
    }),
  );
}

function ruleCase(shows: string, run: () => [actual: unknown, expected: unknown]): VectorCase {
  return {
    shows,
    run: () => {
      const [actual, expected] = run();
      return Promise.resolve({ actual, expected });
    },
  };
}

function rulesOf(version: string): RoomVersionRules {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`no rules for room version ${version}`);
  return rules;
}

function pick(events: Record<string, Pdu>, name: string): Pdu {
  const event = events[name];
  if (event === undefined) throw new Error(`the file has no event ${name}`);
  return event;
}
