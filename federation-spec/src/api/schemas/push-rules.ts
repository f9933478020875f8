import { type Static, Type } from 'typebox';
import { JsonObjectSchema } from './json.ts';

/** https://spec.matrix.org/latest/client-server-api/#push-rules */
export const PushRuleKindSchema = Type.Enum(['override', 'underride', 'sender', 'room', 'content', 'postcontent']);
export type PushRuleKind = Static<typeof PushRuleKindSchema>;

/** `kind` says which of the other keys count; kinds unknown to us are kept, and never match. */
export const PushConditionSchema = Type.Object({
  kind: Type.String(),
  key: Type.Optional(Type.String()),
  pattern: Type.Optional(Type.String()),
  is: Type.Optional(Type.String()),
  value: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  /** Whether a thread is to be followed, or not to be. */
  subscribed: Type.Optional(Type.Boolean()),
});
export type PushCondition = Static<typeof PushConditionSchema>;

/** A name such as `notify`, or a tweak such as `{ set_tweak: 'sound', value: 'default' }`. */
export const PushActionSchema = Type.Union([Type.String(), JsonObjectSchema]);
export type PushAction = Static<typeof PushActionSchema>;

export const PushRuleSchema = Type.Object({
  rule_id: Type.String(),
  /** Whether it is one of the predefined rules. */
  default: Type.Boolean(),
  enabled: Type.Boolean(),
  actions: Type.Array(PushActionSchema),
  /** On `override`, `postcontent` and `underride` rules; all must hold, and none always holds. */
  conditions: Type.Optional(Type.Array(PushConditionSchema)),
  /** On `content` rules. */
  pattern: Type.Optional(Type.String()),
});
export type PushRule = Static<typeof PushRuleSchema>;

export const PushRulesetSchema = Type.Object({
  override: Type.Optional(Type.Array(PushRuleSchema)),
  content: Type.Optional(Type.Array(PushRuleSchema)),
  /** Of threads: the server's rules alone. */
  postcontent: Type.Optional(Type.Array(PushRuleSchema)),
  room: Type.Optional(Type.Array(PushRuleSchema)),
  sender: Type.Optional(Type.Array(PushRuleSchema)),
  underride: Type.Optional(Type.Array(PushRuleSchema)),
});
export type PushRuleset = Static<typeof PushRulesetSchema>;
