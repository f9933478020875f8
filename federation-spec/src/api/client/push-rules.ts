import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema } from '../schemas/json.ts';
import { PushActionSchema, PushConditionSchema, PushRuleKindSchema, PushRuleSchema, PushRulesetSchema } from '../schemas/push-rules.ts';

/** Retrieve all push rulesets. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushrules */
export const getPushRules = endpoint({
  id: 'getPushRules',
  method: 'GET',
  path: '/_matrix/client/v3/pushrules/',
  auth: 'access-token',
  response: Type.Object({ global: PushRulesetSchema }),
});

/** Retrieve all push rules. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushrulesglobal */
export const getPushRulesGlobal = endpoint({
  id: 'getPushRulesGlobal',
  method: 'GET',
  path: '/_matrix/client/v3/pushrules/global/',
  auth: 'access-token',
  response: PushRulesetSchema,
});

/** Retrieve the push rules of one kind, as older clients do. */
export const getPushRulesOfKind = endpoint({
  id: 'getPushRulesOfKind',
  method: 'GET',
  path: '/_matrix/client/v3/pushrules/global/:kind/',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema }),
  response: Type.Array(PushRuleSchema),
  deprecated: true,
  spec: 'https://spec.matrix.org/legacy/client_server/r0.0.0.html#push-rules-api',
});

/** Delete a push rule. https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid */
export const deletePushRule = endpoint({
  id: 'deletePushRule',
  method: 'DELETE',
  path: '/_matrix/client/v3/pushrules/global/:kind/:ruleId',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema, ruleId: Type.String() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});

/** Retrieve a push rule. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid */
export const getPushRule = endpoint({
  id: 'getPushRule',
  method: 'GET',
  path: '/_matrix/client/v3/pushrules/global/:kind/:ruleId',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema, ruleId: Type.String() }),
  response: PushRuleSchema,
  errors: ['M_NOT_FOUND'],
});

/** Add or change a push rule. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid */
export const setPushRule = endpoint({
  id: 'setPushRule',
  method: 'PUT',
  path: '/_matrix/client/v3/pushrules/global/:kind/:ruleId',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema, ruleId: Type.String() }),
  query: Type.Object({ before: Type.Optional(Type.String()), after: Type.Optional(Type.String()) }),
  body: Type.Object({
    actions: Type.Array(PushActionSchema),
    conditions: Type.Optional(Type.Array(PushConditionSchema)),
    pattern: Type.Optional(Type.String()),
  }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * The actions for a push rule.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidactions
 */
export const getPushRuleActions = endpoint({
  id: 'getPushRuleActions',
  method: 'GET',
  path: '/_matrix/client/v3/pushrules/global/:kind/:ruleId/actions',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema, ruleId: Type.String() }),
  response: Type.Object({ actions: Type.Array(PushActionSchema) }),
  errors: ['M_NOT_FOUND'],
});

/**
 * Set the actions for a push rule.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions
 */
export const setPushRuleActions = endpoint({
  id: 'setPushRuleActions',
  method: 'PUT',
  path: '/_matrix/client/v3/pushrules/global/:kind/:ruleId/actions',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema, ruleId: Type.String() }),
  body: Type.Object({ actions: Type.Array(PushActionSchema) }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Get whether a push rule is enabled.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidenabled
 */
export const isPushRuleEnabled = endpoint({
  id: 'isPushRuleEnabled',
  method: 'GET',
  path: '/_matrix/client/v3/pushrules/global/:kind/:ruleId/enabled',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema, ruleId: Type.String() }),
  response: Type.Object({ enabled: Type.Boolean() }),
  errors: ['M_NOT_FOUND'],
});

/**
 * Enable or disable a push rule.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled
 */
export const setPushRuleEnabled = endpoint({
  id: 'setPushRuleEnabled',
  method: 'PUT',
  path: '/_matrix/client/v3/pushrules/global/:kind/:ruleId/enabled',
  auth: 'access-token',
  params: Type.Object({ kind: PushRuleKindSchema, ruleId: Type.String() }),
  body: Type.Object({ enabled: Type.Boolean() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});
