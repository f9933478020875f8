import { expect, test } from 'vitest';
import { ownsUser } from './appservice.ts';
import { readRegistration } from './read-registration.ts';

const WHOLE = {
  id: 'irc',
  url: 'http://localhost:9999/',
  as_token: 'a',
  hs_token: 'h',
  sender_localpart: 'irc',
  namespaces: { users: [{ exclusive: true, regex: '@_irc_.*:hs\\.test' }], aliases: [], rooms: [] },
};

test('a whole registration is read, with the plain value for what is left out', () => {
  const read = readRegistration(WHOLE, 'hs.test');
  expect(read).toMatchObject({
    ok: true,
    appservice: {
      id: 'irc',
      url: 'http://localhost:9999',
      senderId: '@irc:hs.test',
      rateLimited: true,
      protocols: [],
      receivesEphemeral: false,
    },
  });
  if (!read.ok) return;
  expect(ownsUser(read.appservice, '@irc:hs.test')).toBe(true);
  expect(ownsUser(read.appservice, '@_irc_x:hs.test')).toBe(true);
  expect(ownsUser(read.appservice, 'x@_irc_x:hs.test')).toBe(false);
});

test('every fault is named', () => {
  const read = readRegistration(
    {
      url: 'ftp://x',
      as_token: 5,
      hs_token: '',
      sender_localpart: 'a b',
      rate_limited: 'no',
      protocols: 'irc',
      namespaces: { users: [{ regex: '(?!x)' }], aliases: 'x', rooms: [{ exclusive: true, regex: '(' }] },
    },
    'hs.test',
  );
  expect(read).toEqual({
    ok: false,
    problems: [
      'lacks id',
      'has a url that is no http: or https: address',
      'has a as_token that is not text',
      'has a hs_token that is not text',
      'has a sender_localpart that makes no user id: "a b"',
      'has namespaces.users[0].exclusive that is neither true nor false',
      expect.stringContaining('has namespaces.users[0].regex "(?!x)" that cannot be used'),
      expect.stringContaining('has namespaces.aliases that is not a list'),
      expect.stringContaining('has namespaces.rooms[0].regex "(" that cannot be used'),
      'has a rate_limited that is neither true nor false',
      expect.stringContaining('has protocols that are not a list'),
    ],
  });
  expect(readRegistration([], 'hs.test')).toMatchObject({ ok: false });
});

test('S24: a regular expression that would backtrack for ever takes no longer than its text', () => {
  const read = readRegistration({ ...WHOLE, namespaces: { users: [{ exclusive: true, regex: '@(a+)+$' }] } }, 'hs.test');
  if (!read.ok) throw new Error(read.problems.join());
  expect(ownsUser(read.appservice, `@${'a'.repeat(50_000)}!`)).toBe(false);
});
