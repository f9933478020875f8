import { checkPushActions, checkPushRule } from './check-push-rule.ts';
import {
  findPushRule,
  type PushAction,
  type PushRule,
  type PushRuleDraft,
  type PushRuleKind,
  type PushRuleName,
  type PushRuleset,
} from './push-rule.ts';

/** The ruleset after an edit, or why not, with the error code a client is told. */
export type PushRulesEdit =
  | { allowed: true; ruleset: PushRuleset }
  | { allowed: false; reason: string; errcode: 'M_NOT_FOUND' | 'M_INVALID_PARAM' | 'M_UNKNOWN' };

const MASTER_RULE = '.m.rule.master';
/** A user's own rules, of all kinds together: each is asked for every event. */
export const MAX_OWN_PUSH_RULES = 1_000;

/**
 * Adds a rule, enabled, as the most important of the user's own of its kind; or changes the one with this id, which keeps its
 * place and stays on or off. `before` and `after` give another place: `before` counts when both are given.
 *
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function setPushRule(ruleset: PushRuleset, draft: PushRuleDraft): PushRulesEdit {
  const verdict = checkPushRule(draft);
  if (!verdict.allowed) return { ...verdict, errcode: 'M_INVALID_PARAM' };
  const { kind, ruleId } = draft;
  const current = findPushRule(ruleset, kind, ruleId);
  if (current === undefined && countOwnRules(ruleset) >= MAX_OWN_PUSH_RULES) {
    return { allowed: false, errcode: 'M_UNKNOWN', reason: `There are ${MAX_OWN_PUSH_RULES} push rules already; delete one first.` };
  }
  const rule = createRule(draft, current?.enabled ?? true);
  if (draft.before === undefined && draft.after === undefined && current !== undefined) {
    return replaceRule(ruleset, kind, ruleId, rule);
  }
  const others = rulesOf(ruleset, kind).filter((other) => other.rule_id !== ruleId);
  const at = findPlace(others, draft);
  if (at === undefined) {
    return {
      allowed: false,
      errcode: 'M_UNKNOWN',
      reason: `There is no ${kind} rule ${draft.before ?? draft.after} of yours to place a rule at.`,
    };
  }
  return { allowed: true, ruleset: { ...ruleset, [kind]: others.toSpliced(at, 0, rule) } };
}

/** Deletes one of the user's own rules. https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid */
export function deletePushRule(ruleset: PushRuleset, { kind, ruleId }: PushRuleName): PushRulesEdit {
  const current = findPushRule(ruleset, kind, ruleId);
  if (current === undefined) return notFound(kind, ruleId);
  if (current.default) {
    return { allowed: false, errcode: 'M_NOT_FOUND', reason: `The rule ${ruleId} is the server's; disable it instead.` };
  }
  return { allowed: true, ruleset: { ...ruleset, [kind]: rulesOf(ruleset, kind).filter((rule) => rule.rule_id !== ruleId) } };
}

/** Turns a rule on or off. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled */
export function setPushRuleEnabled(ruleset: PushRuleset, { kind, ruleId, enabled }: PushRuleName & { enabled: boolean }): PushRulesEdit {
  const current = findPushRule(ruleset, kind, ruleId);
  return current === undefined ? notFound(kind, ruleId) : replaceRule(ruleset, kind, ruleId, { ...current, enabled });
}

/** Changes what a rule does. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions */
export function setPushRuleActions(
  ruleset: PushRuleset,
  { kind, ruleId, actions }: PushRuleName & { actions: readonly PushAction[] },
): PushRulesEdit {
  const current = findPushRule(ruleset, kind, ruleId);
  if (current === undefined) return notFound(kind, ruleId);
  const verdict = checkPushActions(actions);
  if (!verdict.allowed) return { ...verdict, errcode: 'M_INVALID_PARAM' };
  return replaceRule(ruleset, kind, ruleId, { ...current, actions });
}

/**
 * A stored ruleset brought up to date with the default rules of today: the user's own rules in their places, the defaults in
 * theirs with what the user changed about them, and no default rule that is no more.
 */
export function mergeWithDefaults(stored: PushRuleset, defaults: PushRuleset): PushRuleset {
  const merge = (kind: PushRuleKind): PushRule[] => {
    const current = rulesOf(defaults, kind).map((rule) => {
      const changed = findPushRule(stored, kind, rule.rule_id);
      return changed === undefined ? rule : { ...rule, enabled: changed.enabled, actions: changed.actions };
    });
    const own = rulesOf(stored, kind).filter((rule) => !rule.default);
    const first = current.filter((rule) => rule.rule_id === MASTER_RULE);
    return [...first, ...own, ...current.filter((rule) => rule.rule_id !== MASTER_RULE)];
  };
  return {
    override: merge('override'),
    content: merge('content'),
    postcontent: merge('postcontent'),
    room: merge('room'),
    sender: merge('sender'),
    underride: merge('underride'),
  };
}

function rulesOf(ruleset: PushRuleset, kind: PushRuleKind): readonly PushRule[] {
  return ruleset[kind] ?? [];
}

function createRule({ kind, ruleId, actions, conditions, pattern }: PushRuleDraft, enabled: boolean): PushRule {
  const rule: PushRule = { rule_id: ruleId, default: false, enabled, actions };
  if (kind === 'content' && pattern !== undefined) return { ...rule, pattern };
  if (kind === 'override' || kind === 'underride') return { ...rule, conditions: conditions ?? [] };
  return rule;
}

/** The index at which a rule goes in; `undefined` when the rule it is placed next to is none of the user's own. */
function findPlace(rules: readonly PushRule[], { before, after }: PushRuleDraft): number | undefined {
  const neighbour = before ?? after;
  if (neighbour === undefined) return rules.filter((rule) => rule.rule_id === MASTER_RULE).length;
  const at = rules.findIndex((rule) => rule.rule_id === neighbour && !rule.default);
  if (at === -1) return undefined;
  return before === undefined ? at + 1 : at;
}

function replaceRule(ruleset: PushRuleset, kind: PushRuleKind, ruleId: string, rule: PushRule): PushRulesEdit {
  return {
    allowed: true,
    ruleset: { ...ruleset, [kind]: rulesOf(ruleset, kind).map((other) => (other.rule_id === ruleId ? rule : other)) },
  };
}

function countOwnRules(ruleset: PushRuleset): number {
  return Object.values(ruleset)
    .flat()
    .filter((rule) => !rule.default).length;
}

function notFound(kind: PushRuleKind, ruleId: string): PushRulesEdit {
  return { allowed: false, errcode: 'M_NOT_FOUND', reason: `There is no ${kind} rule ${JSON.stringify(ruleId)}.` };
}
