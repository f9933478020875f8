import type { JsonObject } from '../events/event.ts';
import { isPushConditionMet, matchesProperty } from './check-push-condition.ts';
import type { PushContext } from './push-context.ts';
import { PUSH_RULE_KINDS, type PushAction, type PushRule, type PushRuleKind, type PushRuleset } from './push-rule.ts';

/** The rule that decided, and what it asks for; empty actions mean silence. */
export type PushDecision = { ruleId: string; kind: PushRuleKind; actions: PushAction[] };

/** What a decision comes to. */
export type PushEffect = { notify: boolean; highlight: boolean; sound?: string; tweaks: JsonObject };

/** Actions of older specifications; they do nothing. */
const HISTORICAL_ACTIONS: ReadonlySet<unknown> = new Set(['dont_notify', 'coalesce']);
const MASTER_RULE = '.m.rule.master';

/**
 * Finds the first enabled rule that matches an event, the most important first.
 *
 * `event` is the event as the user sees it: decrypted where that is possible, with its room id. The rule that turns
 * everything off stands above all, wherever it is in the list. Returns `undefined` when no rule matches, and for the user's own events.
 *
 * https://spec.matrix.org/latest/client-server-api/#push-rules
 */
export function evaluatePushRules(ruleset: PushRuleset, event: JsonObject, context: PushContext): PushDecision | undefined {
  if (event['sender'] === context.userId) return undefined;
  const master = ruleset.override.find((rule) => rule.rule_id === MASTER_RULE);
  if (master?.enabled) return { ruleId: master.rule_id, kind: 'override', actions: listLivingActions(master) };

  for (const kind of PUSH_RULE_KINDS) {
    for (const rule of ruleset[kind] ?? []) {
      if (rule.enabled && isRuleMet(kind, rule, event, context)) return { ruleId: rule.rule_id, kind, actions: listLivingActions(rule) };
    }
  }
  return undefined;
}

/**
 * What the actions of a decision come to. A `highlight` tweak without a value means true.
 *
 * https://spec.matrix.org/latest/client-server-api/#actions
 */
export function readPushActions(actions: readonly PushAction[]): PushEffect {
  const effect: PushEffect = { notify: false, highlight: false, tweaks: {} };
  for (const action of actions) {
    if (action === 'notify') effect.notify = true;
    if (typeof action === 'string') continue;
    const { set_tweak: name, value } = action;
    if (name === 'highlight') effect.highlight = value !== false;
    if (name === 'sound' && typeof value === 'string') effect.sound = value;
    if (value !== undefined || name === 'highlight') effect.tweaks[name] = value ?? true;
  }
  return effect;
}

function isRuleMet(kind: PushRuleKind, rule: PushRule, event: JsonObject, context: PushContext): boolean {
  switch (kind) {
    case 'content':
      return rule.pattern !== undefined && matchesProperty(event, 'content.body', rule.pattern);
    case 'room':
      return event['room_id'] === rule.rule_id;
    case 'sender':
      return event['sender'] === rule.rule_id;
    default:
      return (rule.conditions ?? []).every((condition) => isPushConditionMet(condition, event, context));
  }
}

function listLivingActions(rule: PushRule): PushAction[] {
  return rule.actions.filter((action) => !HISTORICAL_ACTIONS.has(action));
}
