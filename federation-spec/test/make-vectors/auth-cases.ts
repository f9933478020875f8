import type { JsonObject } from '../../src/events/event.ts';
import { ALICE, BOB, CAROL, DAVE, type Draft, EVE, joinOf, joinRuleBy, membershipBy, powerLevelsBy, topicBy } from '../kit/test-room.ts';

export const IVAN = '@ivan:i.test';
export const KATE = '@kate:k.test';

/**
 * One decision of the auth rules. The room: Alice made it (power 100, infinite in version 12), Bob has 50, Carol 0, all three are
 * joined; Eve is banned, Ivan invited, Kate knocked where the version has knocking, Dave is a stranger; the join rule is `invite`.
 * `more` is sent before the event in question and is part of its state; `without` takes entries out of that state.
 */
export type AuthCase = {
  shows: string;
  from?: number;
  to?: number;
  more?: Draft[];
  without?: string[];
  event: Draft & { patch?: JsonObject };
  /** The event's `prev_events`; some other event when unset. */
  follows?: 'create' | 'create and another';
  create?: JsonObject;
  allowed: boolean;
};

/** Two copies of a case that names Alice's level: one for the versions where power levels list the creator, one for version 12. */
function inBoth(make: (users: JsonObject) => Omit<AuthCase, 'from' | 'to'>): AuthCase[] {
  return [
    { ...make({ [ALICE]: 100 }), to: 11 },
    { ...make({}), from: 12 },
  ];
}

const joining: AuthCase[] = [
  {
    shows: 'The creator joins right after the create event.',
    without: [`m.room.member ${ALICE}`, 'm.room.power_levels ', 'm.room.join_rules '],
    event: joinOf(ALICE),
    follows: 'create',
    allowed: true,
  },
  {
    shows: 'Somebody else cannot be the first to join.',
    without: [`m.room.member ${ALICE}`, 'm.room.power_levels ', 'm.room.join_rules '],
    event: joinOf(DAVE),
    follows: 'create',
    allowed: false,
  },
  {
    shows: 'An additional creator cannot be the first to join either.',
    from: 12,
    create: { additional_creators: [DAVE] },
    without: [`m.room.member ${ALICE}`, 'm.room.power_levels ', 'm.room.join_rules '],
    event: joinOf(DAVE),
    follows: 'create',
    allowed: false,
  },
  { shows: 'Anybody joins a public room.', more: [joinRuleBy(ALICE, 'public')], event: joinOf(DAVE), allowed: true },
  { shows: 'A stranger cannot join a room that asks for an invitation.', event: joinOf(DAVE), allowed: false },
  { shows: 'Without join rules a room asks for an invitation.', without: ['m.room.join_rules '], event: joinOf(DAVE), allowed: false },
  { shows: 'An invited user joins.', event: joinOf(IVAN), allowed: true },
  {
    shows: 'A member joins again, to change a display name.',
    event: membershipBy(CAROL, CAROL, 'join', { displayname: 'Carol' }),
    allowed: true,
  },
  {
    shows: 'Nobody joins for somebody else.',
    more: [joinRuleBy(ALICE, 'public')],
    event: membershipBy(ALICE, DAVE, 'join'),
    allowed: false,
  },
  { shows: 'A banned user cannot join a public room.', more: [joinRuleBy(ALICE, 'public')], event: joinOf(EVE), allowed: false },
  {
    shows: 'The join rule private lets nobody in, not even the invited.',
    more: [joinRuleBy(ALICE, 'private')],
    event: joinOf(IVAN),
    allowed: false,
  },
  {
    shows: 'Before version 7 a join rule knock means nothing, and lets nobody in.',
    to: 6,
    more: [joinRuleBy(ALICE, 'knock')],
    event: joinOf(IVAN),
    allowed: false,
  },
  {
    shows: 'From version 7 on an invited user joins a room that lets people knock.',
    from: 7,
    more: [joinRuleBy(ALICE, 'knock')],
    event: joinOf(IVAN),
    allowed: true,
  },
  {
    shows: 'One who knocked cannot join before being invited.',
    from: 7,
    more: [joinRuleBy(ALICE, 'knock')],
    event: joinOf(KATE),
    allowed: false,
  },
  {
    shows: 'Before version 8 a join rule restricted lets nobody in.',
    to: 7,
    more: [joinRuleBy(ALICE, 'restricted')],
    event: membershipBy(DAVE, DAVE, 'join', { join_authorised_via_users_server: ALICE }),
    allowed: false,
  },
  {
    shows: 'A member who may invite vouches for a join to a restricted room.',
    from: 8,
    more: [joinRuleBy(ALICE, 'restricted')],
    event: membershipBy(DAVE, DAVE, 'join', { join_authorised_via_users_server: ALICE }),
    allowed: true,
  },
  {
    shows: 'A stranger cannot join a restricted room when nobody vouches.',
    from: 8,
    more: [joinRuleBy(ALICE, 'restricted')],
    event: joinOf(DAVE),
    allowed: false,
  },
  {
    shows: 'An invited user joins a restricted room without anybody vouching.',
    from: 8,
    more: [joinRuleBy(ALICE, 'restricted')],
    event: joinOf(IVAN),
    allowed: true,
  },
  {
    shows: 'Who vouches must be in the room.',
    from: 8,
    more: [joinRuleBy(ALICE, 'restricted')],
    event: membershipBy(DAVE, DAVE, 'join', { join_authorised_via_users_server: IVAN }),
    allowed: false,
  },
  ...inBoth((users) => ({
    shows: 'Who vouches must have the power to invite.',
    more: [joinRuleBy(ALICE, 'restricted'), powerLevelsBy(ALICE, { users, invite: 30 })],
    event: membershipBy(DAVE, DAVE, 'join', { join_authorised_via_users_server: CAROL }),
    allowed: false,
  })).map((one) => ({ ...one, from: one.from ?? 8 })),
  {
    shows: 'A banned user cannot join a restricted room, whoever vouches.',
    from: 8,
    more: [joinRuleBy(ALICE, 'restricted')],
    event: membershipBy(EVE, EVE, 'join', { join_authorised_via_users_server: ALICE }),
    allowed: false,
  },
  {
    shows: 'Before version 10 a join rule knock_restricted lets nobody in.',
    from: 7,
    to: 9,
    more: [joinRuleBy(ALICE, 'knock_restricted')],
    event: membershipBy(DAVE, DAVE, 'join', { join_authorised_via_users_server: ALICE }),
    allowed: false,
  },
  {
    shows: 'From version 10 on a member vouches for a join under knock_restricted.',
    from: 10,
    more: [joinRuleBy(ALICE, 'knock_restricted')],
    event: membershipBy(DAVE, DAVE, 'join', { join_authorised_via_users_server: ALICE }),
    allowed: true,
  },
];

const firstJoin = [`m.room.member ${ALICE}`, 'm.room.power_levels ', 'm.room.join_rules '];

const joiningLate: AuthCase[] = [
  {
    shows: 'The creator’s join after anything but the create event takes an invitation.',
    without: firstJoin,
    event: joinOf(ALICE),
    allowed: false,
  },
  {
    shows: 'The creator’s join after the create event and another takes an invitation.',
    without: firstJoin,
    event: joinOf(ALICE),
    follows: 'create and another',
    allowed: false,
  },
  {
    shows: 'Exactly the invite level is enough to vouch.',
    from: 8,
    to: 11,
    more: [joinRuleBy(ALICE, 'restricted'), powerLevelsBy(ALICE, { users: { [ALICE]: 100, [CAROL]: 30 }, invite: 30 })],
    event: membershipBy(DAVE, DAVE, 'join', { join_authorised_via_users_server: CAROL }),
    allowed: true,
  },
];

const inviting: AuthCase[] = [
  { shows: 'A member invites, as the invite level is 0 when unset.', event: membershipBy(CAROL, DAVE, 'invite'), allowed: true },
  { shows: 'A stranger cannot invite.', event: membershipBy(DAVE, '@zoe:z.test', 'invite'), allowed: false },
  { shows: 'An invited user cannot invite others yet.', event: membershipBy(IVAN, DAVE, 'invite'), allowed: false },
  { shows: 'A member cannot be invited.', event: membershipBy(ALICE, CAROL, 'invite'), allowed: false },
  { shows: 'A banned user cannot be invited.', event: membershipBy(ALICE, EVE, 'invite'), allowed: false },
  { shows: 'An invited user can be invited again.', event: membershipBy(ALICE, IVAN, 'invite'), allowed: true },
  ...inBoth((users) => ({
    shows: 'Below the invite level nobody invites.',
    more: [powerLevelsBy(ALICE, { users, invite: 10 })],
    event: membershipBy(CAROL, DAVE, 'invite'),
    allowed: false,
  })),
  {
    shows: 'A third-party invite without a signed part is refused.',
    event: membershipBy(ALICE, DAVE, 'invite', { third_party_invite: { display_name: 'd' } }),
    allowed: false,
  },
  {
    shows: 'A third-party invite needs the event its token names.',
    event: membershipBy(ALICE, DAVE, 'invite', { third_party_invite: { signed: { mxid: DAVE, token: 'nowhere', signatures: {} } } }),
    allowed: false,
  },
];

const leaving: AuthCase[] = [
  { shows: 'A member leaves.', event: membershipBy(CAROL, CAROL, 'leave'), allowed: true },
  { shows: 'An invited user declines.', event: membershipBy(IVAN, IVAN, 'leave'), allowed: true },
  { shows: 'One who knocked takes it back.', from: 7, event: membershipBy(KATE, KATE, 'leave'), allowed: true },
  { shows: 'A stranger cannot leave.', event: membershipBy(DAVE, DAVE, 'leave'), allowed: false },
  { shows: 'A banned user cannot leave, and so cannot lift the ban.', event: membershipBy(EVE, EVE, 'leave'), allowed: false },
  { shows: 'A moderator kicks.', event: membershipBy(BOB, CAROL, 'leave'), allowed: true },
  { shows: 'Below the kick level nobody kicks.', event: membershipBy(CAROL, IVAN, 'leave'), allowed: false },
  { shows: 'Nobody kicks the more powerful.', event: membershipBy(BOB, ALICE, 'leave'), allowed: false },
  ...inBoth((users) => ({
    shows: 'Nobody kicks the equally powerful.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50, [CAROL]: 50 } })],
    event: membershipBy(BOB, CAROL, 'leave'),
    allowed: false,
  })),
  { shows: 'A moderator takes an invitation back.', event: membershipBy(BOB, IVAN, 'leave'), allowed: true },
  { shows: 'A moderator lifts a ban.', event: membershipBy(BOB, EVE, 'leave'), allowed: true },
  ...inBoth((users) => ({
    shows: 'Lifting a ban takes the ban level, not only the kick level.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50 }, ban: 60 })],
    event: membershipBy(BOB, EVE, 'leave'),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'Lifting a ban takes the kick level too.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50 }, kick: 60 })],
    event: membershipBy(BOB, EVE, 'leave'),
    allowed: false,
  })),
  { shows: 'A stranger cannot kick.', event: membershipBy(DAVE, CAROL, 'leave'), allowed: false },
];

const banning: AuthCase[] = [
  { shows: 'A moderator bans.', event: membershipBy(BOB, CAROL, 'ban'), allowed: true },
  { shows: 'A stranger can be banned before ever coming.', event: membershipBy(BOB, DAVE, 'ban'), allowed: true },
  { shows: 'Below the ban level nobody bans.', event: membershipBy(CAROL, DAVE, 'ban'), allowed: false },
  { shows: 'Nobody bans the more powerful.', event: membershipBy(BOB, ALICE, 'ban'), allowed: false },
  { shows: 'Nobody outside the room bans.', event: membershipBy(IVAN, CAROL, 'ban'), allowed: false },
  {
    shows: 'Of two creators neither bans the other: infinite is not less than infinite.',
    from: 12,
    create: { additional_creators: [BOB] },
    more: [powerLevelsBy(ALICE, {})],
    event: membershipBy(ALICE, BOB, 'ban'),
    allowed: false,
  },
];

const knocking: AuthCase[] = [
  {
    shows: 'Before version 7 the membership knock is not known.',
    to: 6,
    more: [joinRuleBy(ALICE, 'knock')],
    event: membershipBy(DAVE, DAVE, 'knock'),
    allowed: false,
  },
  { shows: 'A stranger knocks.', from: 7, more: [joinRuleBy(ALICE, 'knock')], event: membershipBy(DAVE, DAVE, 'knock'), allowed: true },
  { shows: 'Nobody knocks where the join rule does not say so.', from: 7, event: membershipBy(DAVE, DAVE, 'knock'), allowed: false },
  {
    shows: 'Before version 10 the join rule knock_restricted does not let anybody knock.',
    from: 7,
    to: 9,
    more: [joinRuleBy(ALICE, 'knock_restricted')],
    event: membershipBy(DAVE, DAVE, 'knock'),
    allowed: false,
  },
  {
    shows: 'From version 10 on one knocks under knock_restricted.',
    from: 10,
    more: [joinRuleBy(ALICE, 'knock_restricted')],
    event: membershipBy(DAVE, DAVE, 'knock'),
    allowed: true,
  },
  {
    shows: 'Nobody knocks for somebody else.',
    from: 7,
    more: [joinRuleBy(ALICE, 'knock')],
    event: membershipBy(CAROL, DAVE, 'knock'),
    allowed: false,
  },
  {
    shows: 'A member cannot knock.',
    from: 7,
    more: [joinRuleBy(ALICE, 'knock')],
    event: membershipBy(CAROL, CAROL, 'knock'),
    allowed: false,
  },
  {
    shows: 'An invited user cannot knock.',
    from: 7,
    more: [joinRuleBy(ALICE, 'knock')],
    event: membershipBy(IVAN, IVAN, 'knock'),
    allowed: false,
  },
  {
    shows: 'A banned user cannot knock.',
    from: 7,
    more: [joinRuleBy(ALICE, 'knock')],
    event: membershipBy(EVE, EVE, 'knock'),
    allowed: false,
  },
];

const memberForm: AuthCase[] = [
  {
    shows: 'A membership event without a membership is refused.',
    event: { type: 'm.room.member', sender: CAROL, stateKey: CAROL, content: {} },
    allowed: false,
  },
  { shows: 'A membership that nobody knows is refused.', event: membershipBy(CAROL, CAROL, 'lurk'), allowed: false },
  {
    shows: 'A membership event without a state key is refused.',
    event: { type: 'm.room.member', sender: CAROL, content: { membership: 'join' } },
    allowed: false,
  },
];

const sending: AuthCase[] = [
  { shows: 'A member sends a message.', event: { type: 'm.room.message', sender: CAROL, content: { body: 'hi' } }, allowed: true },
  { shows: 'A stranger cannot send a message.', event: { type: 'm.room.message', sender: DAVE, content: { body: 'hi' } }, allowed: false },
  {
    shows: 'An invited user cannot send a message.',
    event: { type: 'm.room.message', sender: IVAN, content: { body: 'hi' } },
    allowed: false,
  },
  { shows: 'State takes 50 when state_default is unset.', event: topicBy(CAROL, 'mine'), allowed: false },
  { shows: 'A moderator sets the topic.', event: topicBy(BOB, 'ours'), allowed: true },
  {
    shows: 'While there are no power levels only the creator has power, and state takes 50.',
    without: ['m.room.power_levels '],
    event: topicBy(BOB, 'ours'),
    allowed: false,
  },
  {
    shows: 'While there are no power levels the creator sets the topic.',
    without: ['m.room.power_levels '],
    event: topicBy(ALICE, 'ours'),
    allowed: true,
  },
  ...inBoth((users) => ({
    shows: 'A level for one type of event counts before the defaults.',
    more: [powerLevelsBy(ALICE, { users, events: { 'm.room.topic': 0 } })],
    event: topicBy(CAROL, 'mine'),
    allowed: true,
  })),
  ...inBoth((users) => ({
    shows: 'events_default keeps members from sending messages.',
    more: [powerLevelsBy(ALICE, { users, events_default: 1 })],
    event: { type: 'm.room.message', sender: CAROL, content: { body: 'hi' } },
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'users_default gives everybody power.',
    more: [powerLevelsBy(ALICE, { users, users_default: 50 })],
    event: topicBy(CAROL, 'mine'),
    allowed: true,
  })),
  ...inBoth((users) => ({
    shows: 'An event type that every object inherits (constructor) is not in the list of levels.',
    more: [powerLevelsBy(ALICE, { users, events: {} })],
    event: { type: 'constructor', sender: CAROL, content: {} },
    allowed: true,
  })),
  {
    shows: 'A state key that is another user’s id is theirs.',
    event: { type: 'org.example.note', sender: ALICE, stateKey: CAROL, content: {} },
    allowed: false,
  },
  {
    shows: 'A state key that is one’s own id is one’s own, given the level.',
    event: { type: 'org.example.note', sender: BOB, stateKey: BOB, content: {} },
    allowed: true,
  },
  {
    shows: 'A room that does not federate is closed to other servers.',
    create: { 'm.federate': false },
    event: { type: 'm.room.message', sender: CAROL, content: { body: 'hi' } },
    allowed: false,
  },
  {
    shows: 'A room that does not federate is open to the creator’s server.',
    create: { 'm.federate': false },
    event: { type: 'm.room.message', sender: ALICE, content: { body: 'hi' } },
    allowed: true,
  },
  {
    shows: 'A third-party invite takes the invite level, not a state level.',
    event: { type: 'm.room.third_party_invite', sender: CAROL, stateKey: 'token', content: {} },
    allowed: true,
  },
  ...inBoth((users) => ({
    shows: 'Below the invite level there are no third-party invites.',
    more: [powerLevelsBy(ALICE, { users, invite: 10 })],
    event: { type: 'm.room.third_party_invite', sender: CAROL, stateKey: 'token', content: {} },
    allowed: false,
  })),
  {
    shows: 'Without a create event nothing is allowed.',
    without: ['m.room.create '],
    event: { type: 'm.room.message', sender: ALICE, content: { body: 'hi' } },
    allowed: false,
  },
];

const aliases: AuthCase[] = [
  {
    shows: 'Up to version 5 a server sets its own aliases, even one with nobody in the room.',
    to: 5,
    event: { type: 'm.room.aliases', sender: DAVE, stateKey: 'd.test', content: {} },
    allowed: true,
  },
  {
    shows: 'Up to version 5 a server cannot set the aliases of another.',
    to: 5,
    event: { type: 'm.room.aliases', sender: ALICE, stateKey: 'd.test', content: {} },
    allowed: false,
  },
  {
    shows: 'From version 6 on aliases are state like any other.',
    from: 6,
    event: { type: 'm.room.aliases', sender: CAROL, stateKey: 'c.test', content: {} },
    allowed: false,
  },
];

const redacting: AuthCase[] = [
  {
    shows: 'In versions 1 and 2 a redaction of another server’s event takes the redact level.',
    to: 2,
    event: { type: 'm.room.redaction', sender: CAROL, content: {}, patch: { redacts: '$7:b.test' } },
    allowed: false,
  },
  {
    shows: 'In versions 1 and 2 a server redacts its own events.',
    to: 2,
    event: { type: 'm.room.redaction', sender: CAROL, content: {}, patch: { redacts: '$7:c.test' } },
    allowed: true,
  },
  {
    shows: 'In versions 1 and 2 a moderator redacts.',
    to: 2,
    event: { type: 'm.room.redaction', sender: BOB, content: {}, patch: { redacts: '$7:c.test' } },
    allowed: true,
  },
  {
    shows: 'From version 3 on the auth rules let any member send a redaction; whether it is carried out is another question.',
    from: 3,
    event: { type: 'm.room.redaction', sender: CAROL, content: {}, patch: { redacts: '$x' } },
    allowed: true,
  },
];

const levels: AuthCase[] = [
  ...inBoth((users) => ({
    shows: 'The first power levels of a room are free.',
    without: ['m.room.power_levels '],
    event: powerLevelsBy(ALICE, { users: { ...users, [CAROL]: 75 } }),
    allowed: true,
  })),
  ...inBoth((users) => ({
    shows: 'The creator changes levels.',
    event: powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50, [CAROL]: 60 } }),
    allowed: true,
  })),
  ...inBoth((users) => ({
    shows: 'A moderator promotes up to their own level.',
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50, [CAROL]: 50 } }),
    allowed: true,
  })),
  ...inBoth((users) => ({
    shows: 'A moderator cannot promote above their own level.',
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50, [CAROL]: 51 } }),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'A moderator cannot raise themselves.',
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 51 } }),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'A moderator steps down.',
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 10 } }),
    allowed: true,
  })),
  ...inBoth((users) => ({
    shows: 'A moderator cannot demote an equal.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50, [CAROL]: 50 } })],
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50, [CAROL]: 0 } }),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'A moderator cannot take an equal out of the list.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50, [CAROL]: 50 } })],
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50 } }),
    allowed: false,
  })),
  {
    shows: 'A moderator cannot take the creator’s level away.',
    to: 11,
    event: powerLevelsBy(BOB, { users: { [BOB]: 50 } }),
    allowed: false,
  },
  {
    shows: 'An admin who drops out of the list is no admin any more, and may.',
    to: 11,
    event: powerLevelsBy(ALICE, { users: { [BOB]: 50 } }),
    allowed: true,
  },
  ...inBoth((users) => ({
    shows: 'A named level above one’s own cannot be set.',
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50 }, ban: 51 }),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'A named level above one’s own cannot be lowered.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50 }, ban: 90 })],
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50 }, ban: 50 }),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'A named level above one’s own cannot be removed.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50 }, ban: 90 })],
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50 } }),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'The level of an event type above one’s own cannot be lowered.',
    more: [powerLevelsBy(ALICE, { users: { ...users, [BOB]: 50 }, events: { 'm.room.name': 90 } })],
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50 }, events: { 'm.room.name': 50 } }),
    allowed: false,
  })),
  ...inBoth((users) => ({
    shows: 'The level of an event type cannot be set above one’s own.',
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50 }, events: { 'm.room.name': 51 } }),
    allowed: false,
  })),
  {
    shows: 'Before version 6 nobody looks at the levels of notifications.',
    to: 5,
    event: powerLevelsBy(BOB, { users: { [ALICE]: 100, [BOB]: 50 }, notifications: { room: 90 } }),
    allowed: true,
  },
  ...inBoth((users) => ({
    shows: 'From version 6 on the level of a notification cannot be set above one’s own.',
    event: powerLevelsBy(BOB, { users: { ...users, [BOB]: 50 }, notifications: { room: 90 } }),
    allowed: false,
  })).map((one) => ({ ...one, from: one.from ?? 6 })),
  {
    shows: 'Before version 10 levels may be integers written as text, with blanks and leading zeroes.',
    to: 9,
    event: powerLevelsBy(ALICE, { users: { [ALICE]: ' 0100 ', [BOB]: '50' }, ban: '+50' }),
    allowed: true,
  },
  {
    shows: 'Before version 10 "50" and 50 are the same level, so a moderator may rewrite one as the other.',
    to: 9,
    event: powerLevelsBy(BOB, { users: { [ALICE]: '100', [BOB]: 50 } }),
    allowed: true,
  },
  {
    shows: 'Before version 10 a user’s level that is no number at all is refused.',
    to: 9,
    event: powerLevelsBy(ALICE, { users: { [ALICE]: 100, [BOB]: 'much' } }),
    allowed: false,
  },
  {
    shows: 'Text with a decimal point is no integer.',
    to: 9,
    event: powerLevelsBy(ALICE, { users: { [ALICE]: 100, [BOB]: '50.5' } }),
    allowed: false,
  },
  {
    shows: 'Up to version 5 a float counts as its whole part, so 50.57 for 50 is no change.',
    to: 5,
    event: powerLevelsBy(BOB, { users: { [ALICE]: 100, [BOB]: 50.57 } }),
    allowed: true,
  },
  ...inBoth((users) => ({
    shows: 'From version 10 on a level written as text is refused.',
    event: powerLevelsBy(ALICE, { users: { ...users, [BOB]: '50' } }),
    allowed: false,
  })).map((one) => ({ ...one, from: one.from ?? 10 })),
  ...inBoth((users) => ({
    shows: 'From version 10 on a named level written as text is refused.',
    event: powerLevelsBy(ALICE, { users, ban: '50' }),
    allowed: false,
  })).map((one) => ({ ...one, from: one.from ?? 10 })),
  ...inBoth((users) => ({
    shows: 'From version 10 on events must be an object.',
    event: powerLevelsBy(ALICE, { users, events: [] }),
    allowed: false,
  })).map((one) => ({ ...one, from: one.from ?? 10 })),
  ...inBoth((users) => ({
    shows: 'A key of users that is no user id is refused.',
    event: powerLevelsBy(ALICE, { users: { ...users, bob: 50 } }),
    allowed: false,
  })),
  { shows: 'users must be an object.', event: powerLevelsBy(ALICE, { users: [] }), allowed: false },
  {
    shows: 'From version 12 on power levels cannot name the creator.',
    from: 12,
    event: powerLevelsBy(ALICE, { users: { [ALICE]: 100 } }),
    allowed: false,
  },
  {
    shows: 'From version 12 on power levels cannot name an additional creator.',
    from: 12,
    create: { additional_creators: [CAROL] },
    event: powerLevelsBy(ALICE, { users: { [CAROL]: 100 } }),
    allowed: false,
  },
  {
    shows: 'A creator of a version 12 room sets a level as high as numbers go.',
    from: 12,
    event: powerLevelsBy(ALICE, { users: { [BOB]: 9007199254740991 } }),
    allowed: true,
  },
  {
    shows: 'Even the highest level is below a creator’s.',
    from: 12,
    more: [powerLevelsBy(ALICE, { users: { [BOB]: 9007199254740991 } })],
    event: membershipBy(BOB, ALICE, 'ban'),
    allowed: false,
  },
  {
    shows: 'An additional creator of a version 12 room has power without being listed.',
    from: 12,
    create: { additional_creators: [CAROL] },
    event: powerLevelsBy(CAROL, { users: { [BOB]: 100 } }),
    allowed: true,
  },
];

const creating: AuthCase[] = [
  {
    shows: 'A create event begins a room.',
    to: 10,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { creator: ALICE } },
    allowed: true,
  },
  {
    shows: 'A create event follows nothing.',
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { creator: ALICE } },
    follows: 'create',
    allowed: false,
  },
  {
    shows: 'Up to version 11 the room id is of the sender’s server.',
    to: 11,
    event: { type: 'm.room.create', sender: BOB, stateKey: '', content: { creator: BOB } },
    allowed: false,
  },
  {
    shows: 'Up to version 10 the content names the creator.',
    to: 10,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: {} },
    allowed: false,
  },
  {
    shows: 'From version 11 on the content names no creator.',
    from: 11,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: {} },
    allowed: true,
  },
  {
    shows: 'A room version that is known is let pass.',
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { creator: ALICE, room_version: '6' } },
    allowed: true,
  },
  {
    shows: 'A room version that nobody knows is refused.',
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { creator: ALICE, room_version: 'org.example.unheard' } },
    allowed: false,
  },
  {
    shows: 'A room version that is not text is refused.',
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { creator: ALICE, room_version: 5 } },
    allowed: false,
  },
  {
    shows: 'From version 12 on a create event carries no room id.',
    from: 12,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: {}, patch: { room_id: '!room:a.test' } },
    allowed: false,
  },
  {
    shows: 'additional_creators lists user ids.',
    from: 12,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { additional_creators: [BOB] } },
    allowed: true,
  },
  {
    shows: 'additional_creators that are no user ids are refused.',
    from: 12,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { additional_creators: ['bob'] } },
    allowed: false,
  },
  {
    shows: 'additional_creators that are no array are refused.',
    from: 12,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { additional_creators: BOB } },
    allowed: false,
  },
  {
    shows: 'Before version 12 nobody looks at additional_creators.',
    from: 11,
    to: 11,
    event: { type: 'm.room.create', sender: ALICE, stateKey: '', content: { additional_creators: 7 } },
    allowed: true,
  },
  {
    shows: 'From version 12 on the room id of every event is the id of the create event.',
    from: 12,
    event: { type: 'm.room.message', sender: ALICE, content: { body: 'hi' }, patch: { room_id: '!another' } },
    allowed: false,
  },
  {
    shows: 'From version 12 on a room id has the sigil !, whatever comes after it.',
    from: 12,
    event: {
      type: 'm.room.message',
      sender: ALICE,
      content: { body: 'hi' },
      patch: { room_id: '#1j6hHJDGjrMamGshG0UfMPULATscu6tMqTh6MK-cUw4' },
    },
    allowed: false,
  },
];

export const AUTH_CASES: AuthCase[] = [
  ...creating,
  ...joining,
  ...joiningLate,
  ...inviting,
  ...leaving,
  ...banning,
  ...knocking,
  ...memberForm,
  ...sending,
  ...aliases,
  ...redacting,
  ...levels,
];
