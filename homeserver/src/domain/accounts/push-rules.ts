import { defaultPushRules } from 'federation-spec/push-rules/default-push-rules.ts';
import {
  deletePushRule,
  mergeWithDefaults,
  type PushRulesEdit,
  setPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
} from 'federation-spec/push-rules/edit-push-rules.ts';
import {
  findPushRule,
  type PushAction,
  type PushRule,
  type PushRuleDraft,
  type PushRuleKind,
  type PushRuleName,
  type PushRuleset,
} from 'federation-spec/push-rules/push-rule.ts';
import { matrixError, notFound } from '../../platform/matrix-error.ts';
import { findAccountData } from '../../storage/account-data.ts';
import type { Pool } from '../../storage/database.ts';
import { type AccountData, parseObject } from './account-data.ts';
import { asRecord } from './read-record.ts';

type User = { userNid: number; userId: string };

/** A person's push rules, kept as their account data `m.push_rules`. https://spec.matrix.org/latest/client-server-api/#push-rules-api */
export type PushRules = {
  load(user: User): Promise<PushRuleset>;
  /** @throws M_NOT_FOUND */
  loadRule(user: User, name: PushRuleName): Promise<PushRule>;
  set(user: User, draft: PushRuleDraft): Promise<void>;
  delete(user: User, name: PushRuleName): Promise<void>;
  setEnabled(user: User, name: PushRuleName, enabled: boolean): Promise<void>;
  setActions(user: User, name: PushRuleName, actions: readonly PushAction[]): Promise<void>;
};

const TYPE = 'm.push_rules';

export function createPushRules({ pool, accountData }: { pool: Pool; accountData: AccountData }): PushRules {
  async function load({ userNid, userId }: User): Promise<PushRuleset> {
    return rulesetFor(userId, await findAccountData(pool, userNid, null, TYPE));
  }

  async function edit({ userNid, userId }: User, change: (ruleset: PushRuleset) => PushRulesEdit): Promise<void> {
    await accountData.edit(userNid, undefined, TYPE, (stored) => {
      const result = change(rulesetFor(userId, stored === undefined ? undefined : JSON.stringify(stored)));
      if (!result.allowed) throw matrixError(result.errcode === 'M_NOT_FOUND' ? 404 : 400, result.errcode, result.reason);
      return { global: result.ruleset };
    });
  }

  return {
    load,
    async loadRule(user, { kind, ruleId }) {
      const rule = findPushRule(await load(user), kind, ruleId);
      if (rule === undefined) throw notFound(`There is no ${kind} rule ${ruleId}`);
      return rule;
    },
    set: (user, draft) => edit(user, (ruleset) => setPushRule(ruleset, draft)),
    delete: (user, name) => edit(user, (ruleset) => deletePushRule(ruleset, name)),
    setEnabled: (user, name, enabled) => edit(user, (ruleset) => setPushRuleEnabled(ruleset, { ...name, enabled })),
    setActions: (user, name, actions) => edit(user, (ruleset) => setPushRuleActions(ruleset, { ...name, actions })),
  };
}

/** The `m.push_rules` event's content for who stored this text, or nothing. */
export function describePushRules(userId: string, stored: string | undefined): { global: PushRuleset } {
  return { global: rulesetFor(userId, stored) };
}

function rulesetFor(userId: string, stored: string | undefined): PushRuleset {
  const defaults = defaultPushRules(userId);
  if (stored === undefined) return defaults;
  const global = asRecord(asRecord(parseObject(stored))?.['global']) ?? {};
  // Only our own edits are ever stored under this type.
  const rules = (kind: PushRuleKind) => (Array.isArray(global[kind]) ? (global[kind] as PushRule[]) : []);
  const own: PushRuleset = {
    override: rules('override'),
    content: rules('content'),
    postcontent: rules('postcontent'),
    room: rules('room'),
    sender: rules('sender'),
    underride: rules('underride'),
  };
  return mergeWithDefaults(own, defaults);
}
