import type { JsonValue } from '../events/event.ts';

/**
 * The kinds of push rule in the order they are asked. https://spec.matrix.org/latest/client-server-api/#push-rules
 *
 * Of `postcontent` there are only rules of the server's: https://github.com/matrix-org/matrix-spec-proposals/pull/4306
 */
export const PUSH_RULE_KINDS = ['override', 'content', 'postcontent', 'room', 'sender', 'underride'] as const;

export type PushRuleKind = (typeof PUSH_RULE_KINDS)[number];

/** `'notify'`, a tweak, or an action of an older specification, which means nothing any more. */
export type PushAction = string | { set_tweak: string; value?: JsonValue };

/** A condition as it stands in the rule. What it asks for beside `kind` is read, and doubted, when it is evaluated. */
export type PushCondition = { kind: string; [parameter: string]: JsonValue };

/** One push rule, as clients get and store it. */
export type PushRule = {
  rule_id: string;
  default: boolean;
  enabled: boolean;
  actions: readonly PushAction[];
  /** Of `override`, `postcontent` and `underride` rules. */
  conditions?: readonly PushCondition[];
  /** Of `content` rules. */
  pattern?: string;
};

/** A user's rules, each kind from the most important down. Not every server has those of the kind `postcontent`. */
export type PushRuleset = { readonly [kind in Exclude<PushRuleKind, 'postcontent'>]: readonly PushRule[] } & {
  readonly postcontent?: readonly PushRule[];
};

/** Names one rule of a ruleset. */
export type PushRuleName = { kind: PushRuleKind; ruleId: string };

/** A rule to add or change. `before` and `after` name the user's rules it is placed next to. */
export type PushRuleDraft = PushRuleName & {
  actions: readonly PushAction[];
  conditions?: readonly PushCondition[] | undefined;
  pattern?: string | undefined;
  before?: string | undefined;
  after?: string | undefined;
};

/** True for one of the kinds. */
export function isPushRuleKind(text: string): text is PushRuleKind {
  return PUSH_RULE_KINDS.some((kind) => kind === text);
}

/** The rule of this kind and id; `undefined` when the user has none. */
export function findPushRule(ruleset: PushRuleset, kind: PushRuleKind, ruleId: string): PushRule | undefined {
  return ruleset[kind]?.find((rule) => rule.rule_id === ruleId);
}
