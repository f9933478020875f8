import {
  ALICE,
  BOB,
  CAROL,
  DAVE,
  joinOf,
  joinRuleBy,
  membershipBy,
  powerLevelsBy,
  type Sent,
  type State,
  type TestRoom,
  topicBy,
} from '../kit/test-room.ts';

/**
 * One resolution: a history, the states to resolve, and the events that must (not) be in the answer. `named` gives the events names
 * that the vector file uses; `expected` lists, for every key that the case is about, the name of its event, or `null` for no event.
 */
export type StateCase = {
  shows: string;
  versions: string[];
  make(room: TestRoom): { named: Record<string, Sent>; stateSets: State[]; expected: Record<string, string | null>; rejected?: Sent[] };
};

const V2 = ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11'];
const V2_AND_LATER = [...V2, '12'];
const ALL = ['1', ...V2_AND_LATER];
const WITH_RESTRICTED_JOINS = ['8', '9', '10', '11', '12'];

const TOPIC = 'm.room.topic ';
const POWER = 'm.room.power_levels ';
const JOIN_RULES = 'm.room.join_rules ';
const memberKey = (userId: string): string => `m.room.member ${userId}`;

/** Levels as Alice sets them: her own is listed only where creators are not privileged. */
function levels(room: TestRoom, users: Record<string, number>) {
  return { users: { ...(room.rules.privilegedCreators ? {} : { [ALICE]: 100 }), ...users } };
}

function beginWith(room: TestRoom, ...userIds: string[]): State {
  let state = room.begin();
  for (const userId of userIds) state = room.send(state, joinOf(userId)).state;
  return state;
}

export const STATE_CASES: StateCase[] = [
  {
    shows: 'Two joins that do not know of each other both count.',
    versions: ALL,
    make(room) {
      const base = beginWith(room, BOB);
      const carol = room.send(base, joinOf(CAROL));
      const dave = room.send(base, joinOf(DAVE));
      return {
        named: { carol, dave },
        stateSets: [carol.state, dave.state],
        expected: { [memberKey(CAROL)]: 'carol', [memberKey(DAVE)]: 'dave' },
      };
    },
  },
  {
    shows: 'A ban counts against a topic that the banned user set at the same time; the topic from before stands.',
    versions: V2_AND_LATER,
    make(room) {
      const before = room.send(beginWith(room, BOB), topicBy(ALICE, 'before'));
      const ban = room.send(before.state, membershipBy(ALICE, BOB, 'ban'));
      const topic = room.send(before.state, topicBy(BOB, 'mine'));
      return {
        named: { before, ban, topic },
        stateSets: [ban.state, topic.state],
        expected: { [memberKey(BOB)]: 'ban', [TOPIC]: 'before' },
      };
    },
  },
  {
    shows: 'A ban by a moderator does not count against the power levels that demote the moderator at the same time.',
    versions: V2_AND_LATER,
    make(room) {
      const joined = room.send(beginWith(room, BOB), joinOf(CAROL));
      const ban = room.send(joined.state, membershipBy(BOB, CAROL, 'ban'));
      const demotion = room.send(joined.state, powerLevelsBy(ALICE, levels(room, { [BOB]: 0 })));
      return {
        named: { joined, ban, demotion },
        stateSets: [ban.state, demotion.state],
        expected: { [memberKey(CAROL)]: 'joined', [POWER]: 'demotion' },
      };
    },
  },
  {
    shows: 'A ban by the more powerful counts against power levels that the banned moderator set at the same time.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB, CAROL);
      const ban = room.send(base, membershipBy(ALICE, BOB, 'ban'));
      const promotion = room.send(base, powerLevelsBy(BOB, levels(room, { [BOB]: 50, [CAROL]: 50 })));
      return { named: { ban, promotion }, stateSets: [ban.state, promotion.state], expected: { [memberKey(BOB)]: 'ban' } };
    },
  },
  {
    shows: 'A join does not count against a join rule that closes the room at the same time.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB);
      const closed = room.send(base, joinRuleBy(ALICE, 'invite'));
      const dave = room.send(base, joinOf(DAVE));
      return {
        named: { closed, dave },
        stateSets: [closed.state, dave.state],
        expected: { [JOIN_RULES]: 'closed', [memberKey(DAVE)]: null },
      };
    },
  },
  {
    shows: 'In a public room a new display name, replayed after a kick, joins the kicked user again.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB, CAROL);
      const kick = room.send(base, membershipBy(BOB, CAROL, 'leave'));
      const renamed = room.send(base, membershipBy(CAROL, CAROL, 'join', { displayname: 'Carol' }));
      return { named: { kick, renamed }, stateSets: [kick.state, renamed.state], expected: { [memberKey(CAROL)]: 'renamed' } };
    },
  },
  {
    shows: 'A kick counts against a new display name of the kicked user when joining again takes an invitation.',
    versions: V2_AND_LATER,
    make(room) {
      const closed = room.send(beginWith(room, BOB, CAROL), joinRuleBy(ALICE, 'invite'));
      const kick = room.send(closed.state, membershipBy(BOB, CAROL, 'leave'));
      const renamed = room.send(closed.state, membershipBy(CAROL, CAROL, 'join', { displayname: 'Carol' }));
      return { named: { kick, renamed }, stateSets: [kick.state, renamed.state], expected: { [memberKey(CAROL)]: 'kick' } };
    },
  },
  {
    shows: 'Leaving takes nothing from others and is no power event: a topic the leaver set at an earlier time stands.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB);
      const left = room.send(base, { ...membershipBy(BOB, BOB, 'leave'), originServerTs: 2_000 });
      const topic = room.send(base, { ...topicBy(BOB, 'farewell'), originServerTs: 1_000 });
      return { named: { left, topic }, stateSets: [left.state, topic.state], expected: { [memberKey(BOB)]: 'left', [TOPIC]: 'topic' } };
    },
  },
  {
    shows: 'Of two topics the later by origin_server_ts counts.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB);
      const later = room.send(base, { ...topicBy(BOB, 'later'), originServerTs: 2_000 });
      const earlier = room.send(base, { ...topicBy(ALICE, 'earlier'), originServerTs: 1_000 });
      return { named: { earlier, later }, stateSets: [later.state, earlier.state], expected: { [TOPIC]: 'later' } };
    },
  },
  {
    shows: 'Of two topics with one origin_server_ts the one with the greater event id counts.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB);
      const one = room.send(base, { ...topicBy(BOB, 'one'), originServerTs: 1_000 });
      const two = room.send(base, { ...topicBy(ALICE, 'two'), originServerTs: 1_000 });
      const isOne = one.eventId > two.eventId;
      return { named: { one, two }, stateSets: [one.state, two.state], expected: { [TOPIC]: isOne ? 'one' : 'two' } };
    },
  },
  {
    shows: 'A topic that rests on newer power levels counts, though its origin_server_ts is earlier.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB);
      const old = room.send(base, { ...topicBy(BOB, 'old levels'), originServerTs: 9_000 });
      const power = room.send(base, powerLevelsBy(ALICE, levels(room, { [BOB]: 60 })));
      const young = room.send(power.state, { ...topicBy(ALICE, 'new levels'), originServerTs: 1_000 });
      return { named: { old, power, young }, stateSets: [old.state, young.state], expected: { [TOPIC]: 'young', [POWER]: 'power' } };
    },
  },
  {
    shows: 'Of two power levels by one sender the later by origin_server_ts counts: the earlier is replayed first.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB);
      const later = room.send(base, { ...powerLevelsBy(ALICE, levels(room, { [BOB]: 40 })), originServerTs: 2_000 });
      const earlier = room.send(base, { ...powerLevelsBy(ALICE, levels(room, { [BOB]: 30 })), originServerTs: 1_000 });
      return { named: { earlier, later }, stateSets: [later.state, earlier.state], expected: { [POWER]: 'later' } };
    },
  },
  {
    shows: 'A key that one state lacks is in conflict from version 2 on; its event is replayed and stands if it is allowed.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB);
      const topic = room.send(base, topicBy(BOB, 'hello'));
      return { named: { topic }, stateSets: [base, topic.state, base], expected: { [TOPIC]: 'topic' } };
    },
  },
  {
    shows:
      'A user who evades a ban on a branch from before it, with a whole chain of state, has none of it in the end (a soft-fail split).',
    versions: V2_AND_LATER,
    make(room) {
      const before = room.send(beginWith(room, BOB), topicBy(ALICE, 'before'));
      const ban = room.send(before.state, membershipBy(ALICE, BOB, 'ban'));
      const renamed = room.send(before.state, { ...membershipBy(BOB, BOB, 'join', { displayname: 'Bob!' }), originServerTs: 9_000 });
      const name = room.send(renamed.state, {
        type: 'm.room.name',
        sender: BOB,
        stateKey: '',
        content: { name: 'Bob’s' },
        originServerTs: 9_001,
      });
      const topic = room.send(name.state, { ...topicBy(BOB, 'Bob’s'), originServerTs: 9_002 });
      return {
        named: { before, ban, renamed, name, topic },
        stateSets: [ban.state, topic.state],
        expected: { [memberKey(BOB)]: 'ban', [TOPIC]: 'before', 'm.room.name ': null },
      };
    },
  },
  {
    shows: 'Three branches: the ban on the first decides about the topic on the second, and the name on the third is untouched.',
    versions: V2_AND_LATER,
    make(room) {
      const before = room.send(beginWith(room, BOB), topicBy(ALICE, 'before'));
      const ban = room.send(before.state, membershipBy(ALICE, BOB, 'ban'));
      const topic = room.send(before.state, topicBy(BOB, 'mine'));
      const name = room.send(before.state, { type: 'm.room.name', sender: ALICE, stateKey: '', content: { name: 'ours' } });
      return {
        named: { before, ban, topic, name },
        stateSets: [topic.state, name.state, ban.state],
        expected: { [memberKey(BOB)]: 'ban', [TOPIC]: 'before', 'm.room.name ': 'name' },
      };
    },
  },
  {
    shows: 'Problem A of MSC4297 in version 2: a stale join rule resets to none, because the agreed state says that its sender has left.',
    versions: V2,
    make: (room) => problemA(room, null),
  },
  {
    shows: 'Problem A of MSC4297 in version 2.1: the join rules are replayed onto their own auth events, and the newer stands.',
    versions: ['12'],
    make: (room) => problemA(room, 'newer'),
  },
  {
    shows:
      'Problem B of MSC4297 in version 2: the promotion between a stale power level event and the newest is not replayed, and the stale one wins.',
    versions: V2,
    make: (room) => problemB(room, 'stale'),
  },
  {
    shows: 'Problem B of MSC4297 in version 2.1: the conflicted subgraph holds the promotion, and the newest power levels stand.',
    versions: ['12'],
    make: (room) => problemB(room, 'newest'),
  },
  {
    shows: 'A creator’s change of the power levels is replayed before that of the highest admin, who is demoted by it.',
    versions: ['12'],
    make(room) {
      const base = room.send(beginWith(room, BOB, CAROL), powerLevelsBy(ALICE, { users: { [BOB]: Number.MAX_SAFE_INTEGER } })).state;
      const byAdmin = room.send(base, {
        ...powerLevelsBy(BOB, { users: { [BOB]: Number.MAX_SAFE_INTEGER, [CAROL]: 100 } }),
        originServerTs: 1_000,
      });
      const byCreator = room.send(base, { ...powerLevelsBy(ALICE, { users: { [BOB]: 0 } }), originServerTs: 2_000 });
      return { named: { byAdmin, byCreator }, stateSets: [byAdmin.state, byCreator.state], expected: { [POWER]: 'byCreator' } };
    },
  },
  {
    shows: 'An additional creator cannot be banned by anybody, so the ban does not count against their topic.',
    versions: ['12'],
    make(room) {
      let base = room.begin({ create: { additional_creators: [CAROL] }, users: { [BOB]: 100 } });
      base = room.sendAll(base, [joinOf(BOB), joinOf(CAROL)]).at(-1)?.state ?? base;
      const ban = room.send(base, membershipBy(BOB, CAROL, 'ban'));
      const topic = room.send(base, topicBy(CAROL, 'still here'));
      return { named: { ban, topic }, stateSets: [ban.state, topic.state], expected: { [TOPIC]: 'topic' } };
    },
  },
  {
    shows: 'An auth event that was rejected gives no authority: the topic that rests on a rejected promotion does not count.',
    versions: V2_AND_LATER,
    make(room) {
      const base = beginWith(room, BOB, CAROL);
      const promotion = room.send(base, powerLevelsBy(BOB, levels(room, { [BOB]: 50, [CAROL]: 100 })));
      const withPromotion = room.send(promotion.state, topicBy(CAROL, 'mine'));
      const fork = new Map(base).set('m.room.topic\u0000', withPromotion.eventId);
      return { named: { promotion, topic: withPromotion }, stateSets: [base, fork], expected: { [TOPIC]: null }, rejected: [promotion] };
    },
  },
  {
    shows: 'A restricted join does not count when who vouched for it loses the power to invite at the same time.',
    versions: WITH_RESTRICTED_JOINS,
    make(room) {
      const closed = room.send(beginWith(room, BOB), joinRuleBy(ALICE, 'restricted'));
      const base = room.send(closed.state, powerLevelsBy(ALICE, { ...levels(room, { [BOB]: 50 }), invite: 50 })).state;
      const join = room.send(base, membershipBy(CAROL, CAROL, 'join', { join_authorised_via_users_server: BOB }));
      const demotion = room.send(base, powerLevelsBy(ALICE, { ...levels(room, { [BOB]: 0 }), invite: 50 }));
      return {
        named: { join, demotion },
        stateSets: [join.state, demotion.state],
        expected: { [memberKey(CAROL)]: null, [POWER]: 'demotion' },
      };
    },
  },
  {
    shows: 'A restricted join counts while who vouched for it has the power to invite, whatever else changes.',
    versions: WITH_RESTRICTED_JOINS,
    make(room) {
      const base = room.send(beginWith(room, BOB), joinRuleBy(ALICE, 'restricted')).state;
      const join = room.send(base, membershipBy(CAROL, CAROL, 'join', { join_authorised_via_users_server: BOB }));
      const topic = room.send(base, topicBy(ALICE, 'hello'));
      return {
        named: { join, topic },
        stateSets: [join.state, topic.state],
        expected: { [memberKey(CAROL)]: 'join', [TOPIC]: 'topic' },
      };
    },
  },
  {
    shows: 'Version 1: power levels are taken from the least depth on, for as long as the next is allowed.',
    versions: ['1'],
    make(room) {
      const base = beginWith(room, BOB, CAROL);
      const first = room.send(base, { ...powerLevelsBy(ALICE, levels(room, { [BOB]: 0 })), depth: 100 });
      const second = room.send(base, { ...powerLevelsBy(BOB, levels(room, { [BOB]: 50, [CAROL]: 50 })), depth: 101 });
      return { named: { first, second }, stateSets: [second.state, first.state], expected: { [POWER]: 'first' } };
    },
  },
  {
    shows:
      'Version 1: of a ban and a new display name of the banned user at a greater depth, the ban stands: the name is not allowed after it.',
    versions: ['1'],
    make(room) {
      const base = beginWith(room, BOB);
      const ban = room.send(base, { ...membershipBy(ALICE, BOB, 'ban'), depth: 100 });
      const renamed = room.send(base, { ...membershipBy(BOB, BOB, 'join', { displayname: 'Bob' }), depth: 101 });
      return { named: { ban, renamed }, stateSets: [renamed.state, ban.state], expected: { [memberKey(BOB)]: 'ban' } };
    },
  },
  {
    shows: 'Version 1: of two topics the one with the greater depth counts, if it is allowed.',
    versions: ['1'],
    make(room) {
      const base = beginWith(room, BOB);
      const deep = room.send(base, { ...topicBy(BOB, 'deep'), depth: 200, originServerTs: 1 });
      const flat = room.send(base, { ...topicBy(ALICE, 'flat'), depth: 100, originServerTs: 9_000 });
      return { named: { deep, flat }, stateSets: [deep.state, flat.state], expected: { [TOPIC]: 'deep' } };
    },
  },
  {
    shows: 'Version 1: a topic by a user whom the other state banned is passed over for one of less depth.',
    versions: ['1'],
    make(room) {
      const before = room.send(beginWith(room, BOB), { ...topicBy(ALICE, 'before'), depth: 50 });
      const ban = room.send(before.state, { ...membershipBy(ALICE, BOB, 'ban'), depth: 100 });
      const topic = room.send(before.state, { ...topicBy(BOB, 'mine'), depth: 100 });
      return {
        named: { before, ban, topic },
        stateSets: [ban.state, topic.state],
        expected: { [TOPIC]: 'before', [memberKey(BOB)]: 'ban' },
      };
    },
  },
  {
    shows: 'Version 1: a key that one state lacks is no conflict; its event stands unexamined.',
    versions: ['1'],
    make(room) {
      const base = beginWith(room, BOB);
      const topic = room.send(base, topicBy(DAVE, 'a stranger’s'));
      return { named: { topic }, stateSets: [base, topic.state], expected: { [TOPIC]: 'topic' } };
    },
  },
];

/** The join rule was changed, then its sender left. One server was told the old join rule by a faulty answer. */
function problemA(room: TestRoom, winner: string | null) {
  const older = room.send(beginWith(room, BOB), joinRuleBy(ALICE, 'knock'));
  const newer = room.send(older.state, joinRuleBy(ALICE, 'invite'));
  const left = room.send(newer.state, membershipBy(ALICE, ALICE, 'leave'));
  const stale = new Map(left.state).set('m.room.join_rules\u0000', older.eventId);
  return { named: { older, newer, left }, stateSets: [left.state, stale], expected: { [JOIN_RULES]: winner, [memberKey(ALICE)]: 'left' } };
}

/** Alice promoted Bob, Bob promoted Carol, Dave joined. One server was told Alice's first levels by a faulty answer. */
function problemB(room: TestRoom, winner: string) {
  const stale = room.send(beginWith(room, BOB, CAROL), powerLevelsBy(ALICE, levels(room, {})));
  const promotion = room.send(stale.state, powerLevelsBy(ALICE, levels(room, { [BOB]: 90 })));
  const newest = room.send(promotion.state, powerLevelsBy(BOB, levels(room, { [BOB]: 90, [CAROL]: 50 })));
  const dave = room.send(newest.state, joinOf(DAVE));
  const faulty = new Map(dave.state).set('m.room.power_levels\u0000', stale.eventId);
  return {
    named: { stale, promotion, newest, dave },
    stateSets: [dave.state, faulty],
    expected: { [POWER]: winner, [memberKey(DAVE)]: 'dave' },
  };
}
