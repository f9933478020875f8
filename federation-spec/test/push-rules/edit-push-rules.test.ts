import { expect, test } from 'vitest';
import { defaultPushRules } from '../../src/push-rules/default-push-rules.ts';
import {
  deletePushRule,
  MAX_OWN_PUSH_RULES,
  mergeWithDefaults,
  type PushRulesEdit,
  setPushRule,
  setPushRuleActions,
  setPushRuleEnabled,
} from '../../src/push-rules/edit-push-rules.ts';
import { readPushActions } from '../../src/push-rules/evaluate-push-rules.ts';
import { findPushRule, type PushRuleKind, type PushRuleset } from '../../src/push-rules/push-rule.ts';

const defaults = defaultPushRules('@juliet:capulet.test');

function done(edit: PushRulesEdit): PushRuleset {
  if (!edit.allowed) throw new Error(edit.reason);
  return edit.ruleset;
}

function ownIds(ruleset: PushRuleset, kind: PushRuleKind): string[] {
  return (ruleset[kind] ?? []).filter((rule) => !rule.default).map((rule) => rule.rule_id);
}

function addContent(ruleset: PushRuleset, ruleId: string, place: { before?: string; after?: string } = {}): PushRulesEdit {
  return setPushRule(ruleset, { kind: 'content', ruleId, pattern: ruleId, actions: ['notify'], ...place });
}

test('a new rule is the most important of the user’s own, and before or after another when asked', () => {
  const cake = done(addContent(defaults, 'cake'));
  const tea = done(addContent(cake, 'tea'));
  expect(ownIds(tea, 'content')).toEqual(['tea', 'cake']);
  const scone = done(addContent(tea, 'scone', { before: 'cake' }));
  expect(ownIds(scone, 'content')).toEqual(['tea', 'scone', 'cake']);
  const jam = done(addContent(scone, 'jam', { after: 'cake' }));
  expect(ownIds(jam, 'content')).toEqual(['tea', 'scone', 'cake', 'jam']);
  const milk = done(addContent(jam, 'milk', { before: 'tea', after: 'jam' }));
  expect(ownIds(milk, 'content')).toEqual(['milk', 'tea', 'scone', 'cake', 'jam']);
  expect(findPushRule(milk, 'content', 'milk')).toEqual({
    rule_id: 'milk',
    default: false,
    enabled: true,
    actions: ['notify'],
    pattern: 'milk',
  });
});

test('a user’s override rules stand between the master rule and the other defaults', () => {
  const ruleset = done(setPushRule(defaults, { kind: 'override', ruleId: 'mine', actions: [], conditions: [] }));
  expect(ruleset.override.slice(0, 3).map((rule) => rule.rule_id)).toEqual([
    '.m.rule.master',
    'mine',
    '.org.matrix.msc4028.encrypted_event',
  ]);
});

test('changing a rule keeps its place, and keeps it off', () => {
  const added = done(addContent(done(addContent(defaults, 'cake')), 'tea'));
  const off = done(setPushRuleEnabled(added, { kind: 'content', ruleId: 'cake', enabled: false }));
  const changed = done(setPushRule(off, { kind: 'content', ruleId: 'cake', pattern: 'cake*lie', actions: [] }));
  expect(ownIds(changed, 'content')).toEqual(['tea', 'cake']);
  expect(findPushRule(changed, 'content', 'cake')).toMatchObject({ enabled: false, pattern: 'cake*lie', actions: [] });
  const moved = done(addContent(changed, 'cake', { before: 'tea' }));
  expect(ownIds(moved, 'content')).toEqual(['cake', 'tea']);
});

test('an edit leaves the ruleset it was given as it was', () => {
  const before = JSON.stringify(defaults);
  done(setPushRuleActions(defaults, { kind: 'underride', ruleId: '.m.rule.message', actions: [] }));
  expect(JSON.stringify(defaults)).toBe(before);
});

test.each([
  [
    'an id that begins with a dot',
    setPushRule(defaults, { kind: 'override', ruleId: '.mine', actions: [], conditions: [] }),
    'M_INVALID_PARAM',
  ],
  ['an override rule without conditions', setPushRule(defaults, { kind: 'override', ruleId: 'x', actions: [] }), 'M_INVALID_PARAM'],
  [
    'an action that is none',
    setPushRuleActions(defaults, { kind: 'override', ruleId: '.m.rule.master', actions: ['stamp_feet'] }),
    'M_INVALID_PARAM',
  ],
  ['an id with a slash', setPushRule(defaults, { kind: 'override', ruleId: 'a/b', actions: [], conditions: [] }), 'M_INVALID_PARAM'],
  ['an id with a backslash', setPushRule(defaults, { kind: 'override', ruleId: 'a\\b', actions: [], conditions: [] }), 'M_INVALID_PARAM'],
  ['a content rule without a pattern', setPushRule(defaults, { kind: 'content', ruleId: 'x', actions: [] }), 'M_INVALID_PARAM'],
  ['a place next to a rule that is not there', addContent(defaults, 'x', { before: 'nowhere' }), 'M_UNKNOWN'],
  [
    'a place next to a rule of the server',
    setPushRule(defaults, { kind: 'override', ruleId: 'x', actions: [], conditions: [], after: '.m.rule.master' }),
    'M_UNKNOWN',
  ],
  ['deleting a rule that is not there', deletePushRule(defaults, { kind: 'content', ruleId: 'x' }), 'M_NOT_FOUND'],
  ['deleting a rule of the server', deletePushRule(defaults, { kind: 'override', ruleId: '.m.rule.master' }), 'M_NOT_FOUND'],
  ['enabling a rule that is not there', setPushRuleEnabled(defaults, { kind: 'room', ruleId: '!x', enabled: true }), 'M_NOT_FOUND'],
  ['new actions for a rule that is not there', setPushRuleActions(defaults, { kind: 'room', ruleId: '!x', actions: [] }), 'M_NOT_FOUND'],
])('%s is refused', (_, edit, errcode) => {
  expect(edit).toMatchObject({ allowed: false, errcode });
});

test('a user has so many rules and no more', () => {
  const room = Array.from({ length: MAX_OWN_PUSH_RULES }, (_, n) => ({ rule_id: `!${n}`, default: false, enabled: true, actions: [] }));
  const full = { ...defaults, room };
  expect(addContent(full, 'cake').allowed).toBe(false);
  expect(addContent(done(deletePushRule(full, { kind: 'room', ruleId: '!7' })), 'cake').allowed).toBe(true);
});

test('stored rules meet the defaults of today: changes stay, new defaults come, old ones go', () => {
  const mine = done(addContent(done(setPushRule(defaults, { kind: 'override', ruleId: 'mine', actions: [], conditions: [] })), 'cake'));
  const quiet = done(setPushRuleActions(mine, { kind: 'underride', ruleId: '.m.rule.message', actions: [] }));
  const off = done(setPushRuleEnabled(quiet, { kind: 'override', ruleId: '.m.rule.reaction', enabled: false }));
  const old = { rule_id: '.m.rule.contains_user_name', default: true, enabled: true, actions: [], pattern: 'juliet' };
  const stored = {
    ...off,
    content: [...off.content, old],
    override: off.override.filter((rule) => rule.rule_id !== '.m.rule.suppress_edits'),
  };
  expect(mergeWithDefaults(stored, defaults)).toEqual(off);
});

test('actions come to an effect', () => {
  expect(readPushActions(['notify', { set_tweak: 'sound', value: 'default' }, { set_tweak: 'highlight' }])).toEqual({
    notify: true,
    highlight: true,
    sound: 'default',
    tweaks: { sound: 'default', highlight: true },
  });
  expect(readPushActions(['notify', { set_tweak: 'highlight', value: false }])).toMatchObject({ notify: true, highlight: false });
  expect(readPushActions(['dont_notify'])).toMatchObject({ notify: false });
});
