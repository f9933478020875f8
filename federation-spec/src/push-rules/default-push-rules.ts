import { THREAD_SUBSCRIPTION } from './check-push-condition.ts';
import type { PushAction, PushCondition, PushRule, PushRuleset } from './push-rule.ts';

const SOUND: PushAction = { set_tweak: 'sound', value: 'default' };
const RING: PushAction = { set_tweak: 'sound', value: 'ring' };
const HIGHLIGHT: PushAction = { set_tweak: 'highlight' };
const ONE_TO_ONE: PushCondition = { kind: 'room_member_count', is: '2' };

/** Polls under their stable names, and under the names most clients still send them with. */
const POLL_NAMES = [
  { rule: '.m.rule.', event: 'm.poll.' },
  { rule: '.org.matrix.msc3930.rule.', event: 'org.matrix.msc3381.poll.' },
] as const;

/**
 * The rules every user has, in their order, before they change any. Two proposals' rules are there and off, for those who turn them on: that
 * every encrypted event is pushed, and that what is said in a thread notifies those who follow it and nobody else.
 *
 * https://spec.matrix.org/latest/client-server-api/#predefined-rules, and for polls
 * https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/3930-polls-notifications.md
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4028
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4306
 */
export function defaultPushRules(userId: string): PushRuleset {
  return {
    override: [
      { ...defaultRule('.m.rule.master', [], []), enabled: false },
      { ...defaultRule('.org.matrix.msc4028.encrypted_event', [is('type', 'm.room.encrypted')], ['notify']), enabled: false },
      defaultRule('.m.rule.suppress_notices', [match('content.msgtype', 'm.notice')], []),
      defaultRule(
        '.m.rule.invite_for_me',
        [match('type', 'm.room.member'), match('content.membership', 'invite'), match('state_key', userId)],
        ['notify', SOUND],
      ),
      defaultRule('.m.rule.member_event', [match('type', 'm.room.member')], []),
      defaultRule(
        '.m.rule.is_user_mention',
        [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId }],
        ['notify', SOUND, HIGHLIGHT],
      ),
      defaultRule(
        '.m.rule.is_room_mention',
        [is('content.m\\.mentions.room', true), { kind: 'sender_notification_permission', key: 'room' }],
        ['notify', HIGHLIGHT],
      ),
      defaultRule('.m.rule.tombstone', [match('type', 'm.room.tombstone'), match('state_key', '')], ['notify', HIGHLIGHT]),
      defaultRule('.m.rule.reaction', [match('type', 'm.reaction')], []),
      defaultRule('.m.rule.room.server_acl', [match('type', 'm.room.server_acl'), match('state_key', '')], []),
      ...POLL_NAMES.map((name) => defaultRule(`${name.rule}poll_response`, [is('type', `${name.event}response`)], [])),
      defaultRule('.m.rule.suppress_edits', [is('content.m\\.relates_to.rel_type', 'm.replace')], []),
    ],
    content: [],
    postcontent: [followingRule(false, []), followingRule(true, ['notify', SOUND])],
    room: [],
    sender: [],
    underride: [
      defaultRule('.m.rule.call', [match('type', 'm.call.invite')], ['notify', RING]),
      defaultRule('.m.rule.encrypted_room_one_to_one', [ONE_TO_ONE, match('type', 'm.room.encrypted')], ['notify', SOUND]),
      defaultRule('.m.rule.room_one_to_one', [ONE_TO_ONE, match('type', 'm.room.message')], ['notify', SOUND]),
      defaultRule('.m.rule.message', [match('type', 'm.room.message')], ['notify']),
      defaultRule('.m.rule.encrypted', [match('type', 'm.room.encrypted')], ['notify']),
      ...POLL_NAMES.flatMap(listPollUnderrides),
    ],
  };
}

function listPollUnderrides(name: (typeof POLL_NAMES)[number]): PushRule[] {
  return ['start', 'end'].flatMap((step) => {
    const isStep = is('type', `${name.event}${step}`);
    return [
      defaultRule(`${name.rule}poll_${step}_one_to_one`, [ONE_TO_ONE, isStep], ['notify', SOUND]),
      defaultRule(`${name.rule}poll_${step}`, [isStep], ['notify']),
    ];
  });
}

function followingRule(subscribed: boolean, actions: PushAction[]): PushRule {
  const name = `.io.element.msc4306.rule.${subscribed ? 'subscribed' : 'unsubscribed'}_thread`;
  return { ...defaultRule(name, [{ kind: THREAD_SUBSCRIPTION, subscribed }], actions), enabled: false };
}

function defaultRule(ruleId: string, conditions: PushCondition[], actions: PushAction[]): PushRule {
  return { rule_id: ruleId, default: true, enabled: true, conditions, actions };
}

function match(key: string, pattern: string): PushCondition {
  return { kind: 'event_match', key, pattern };
}

function is(key: string, value: string | boolean): PushCondition {
  return { kind: 'event_property_is', key, value };
}
