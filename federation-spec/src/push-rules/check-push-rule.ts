import { allow, refuse, type Verdict } from '../verdict.ts';
import { MAX_GLOB_LENGTH } from './match-glob.ts';
import type { PushAction, PushRuleDraft } from './push-rule.ts';

/** Characters a rule's id may not have: it is a segment of a path. */
const FORBIDDEN_IN_RULE_ID = /[/\\]/;
const MAX_RULE_ID_LENGTH = 512;
const MAX_CONDITIONS = 64;
const MAX_ACTIONS = 16;

/** What a rule may do, beside tweaks. The last two mean nothing any more, and clients still send them. */
const NAMED_ACTIONS: ReadonlySet<unknown> = new Set(['notify', 'dont_notify', 'coalesce']);

/** Whether a rule may do this. https://spec.matrix.org/latest/client-server-api/#actions */
export function checkPushActions(actions: readonly PushAction[]): Verdict {
  if (actions.length > MAX_ACTIONS) return refuse(`A rule has at most ${MAX_ACTIONS} actions.`);
  for (const action of actions) {
    const isTweak = typeof action === 'object' && action !== null && typeof action.set_tweak === 'string';
    if (!isTweak && !NAMED_ACTIONS.has(action))
      return refuse(`${JSON.stringify(action)} is no action: notify is, and what has a set_tweak.`);
  }
  return allow();
}

/**
 * Whether a user may have this rule, whatever others they have.
 *
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function checkPushRule({ kind, ruleId, actions, conditions, pattern }: PushRuleDraft): Verdict {
  if (ruleId === '' || ruleId.length > MAX_RULE_ID_LENGTH) return refuse(`A rule id has 1 to ${MAX_RULE_ID_LENGTH} characters.`);
  if (ruleId.startsWith('.')) return refuse(`The rule id ${ruleId} begins with a dot, as only the server's rules do.`);
  if (kind === 'postcontent') return refuse("Rules of the kind postcontent are the server's alone.");
  if (FORBIDDEN_IN_RULE_ID.test(ruleId)) return refuse(`The rule id ${ruleId} holds a slash or a backslash.`);
  const verdict = checkPushActions(actions);
  if (!verdict.allowed) return verdict;
  if ((kind === 'override' || kind === 'underride') && conditions === undefined)
    return refuse('An override or underride rule needs conditions; an empty list always holds.');
  if (kind === 'content') {
    if (pattern === undefined || pattern === '') return refuse('A content rule needs a pattern.');
    if ([...pattern].length > MAX_GLOB_LENGTH) return refuse(`A pattern has at most ${MAX_GLOB_LENGTH} characters.`);
  }
  if (conditions !== undefined && conditions.length > MAX_CONDITIONS) return refuse(`A rule has at most ${MAX_CONDITIONS} conditions.`);
  return allow();
}
