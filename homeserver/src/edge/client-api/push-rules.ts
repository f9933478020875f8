import {
  deletePushRule,
  getPushRule,
  getPushRuleActions,
  getPushRules,
  getPushRulesGlobal,
  getPushRulesOfKind,
  isPushRuleEnabled,
  setPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
} from 'federation-spec/api/client/push-rules.ts';
import type { PushRules } from '../../domain/accounts/push-rules.ts';
import { type Route, raw, route } from '../http/route.ts';

type Draft = Parameters<PushRules['set']>[1];
type Actions = Parameters<PushRules['setActions']>[2];

/** https://spec.matrix.org/latest/client-server-api/#push-rules-api */
export function pushRuleRoutes(rules: PushRules): Route[] {
  return [
    route(getPushRules, async ({ requester }) => raw({ json: { global: await rules.load(requester) } })),
    route(getPushRulesGlobal, async ({ requester }) => raw({ json: await rules.load(requester) })),
    route(getPushRulesOfKind, async ({ requester, params }) => raw({ json: (await rules.load(requester))[params.kind] })),
    route(getPushRule, async ({ requester, params }) => raw({ json: await rules.loadRule(requester, params) })),
    route(setPushRule, async ({ requester, params, query, body }) => {
      // The endpoint's schema and JSON itself vouch for the parts.
      const { actions, conditions, pattern } = body as Pick<Draft, 'actions' | 'conditions' | 'pattern'>;
      await rules.set(requester, { ...params, actions, conditions, pattern, before: query.before, after: query.after });
      return {};
    }),
    route(deletePushRule, async ({ requester, params }) => {
      await rules.delete(requester, params);
      return {};
    }),
    route(isPushRuleEnabled, async ({ requester, params }) => ({ enabled: (await rules.loadRule(requester, params)).enabled })),
    route(setPushRuleEnabled, async ({ requester, params, body }) => {
      await rules.setEnabled(requester, params, body.enabled);
      return {};
    }),
    route(getPushRuleActions, async ({ requester, params }) =>
      raw({ json: { actions: (await rules.loadRule(requester, params)).actions } }),
    ),
    route(setPushRuleActions, async ({ requester, params, body }) => {
      await rules.setActions(requester, params, body.actions as Actions);
      return {};
    }),
  ];
}
