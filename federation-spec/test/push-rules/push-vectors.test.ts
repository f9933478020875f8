import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createAuthState } from '../../src/auth-rules/auth-state.ts';
import type { JsonObject, Pdu } from '../../src/events/event.ts';
import { defaultPushRules } from '../../src/push-rules/default-push-rules.ts';
import { evaluatePushRules } from '../../src/push-rules/evaluate-push-rules.ts';
import { createNotificationPermission } from '../../src/push-rules/push-context.ts';
import type { PushAction, PushRuleset } from '../../src/push-rules/push-rule.ts';
import { roomVersionRules } from '../../src/room-versions/room-versions.ts';

type Vector = {
  shows: string;
  event: JsonObject & { sender: string };
  display_name?: string;
  members?: number;
  rules?: PushRuleset;
  room_version?: string;
  state?: Pdu[];
  expected: { rule_id: string; actions: PushAction[] } | null;
};

const vectors: { user_id: string; cases: Vector[] } = JSON.parse(
  readFileSync(new URL('../../vectors/push-rules/evaluation.json', import.meta.url), 'utf8'),
);

test.each(vectors.cases)(
  '$shows',
  ({ event, display_name: displayName, members = 3, rules, room_version = '11', state = [], expected }) => {
    const versionRules = roomVersionRules(room_version);
    if (versionRules === undefined) throw new Error(`no rules for version ${room_version}`);
    const decision = evaluatePushRules(rules ?? defaultPushRules(vectors.user_id), event, {
      userId: vectors.user_id,
      displayName,
      memberCount: members,
      hasNotificationPermission: createNotificationPermission(event.sender, createAuthState(state), versionRules),
    });
    expect(decision === undefined ? null : { rule_id: decision.ruleId, actions: decision.actions }).toEqual(expected);
  },
);
