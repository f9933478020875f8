import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { expect, test } from 'vitest';
import { isServerAllowed } from './server-acl.ts';

function roomWith(content: JsonObject) {
  const acl: Pdu = {
    type: 'm.room.server_acl',
    room_id: '!room:a.test',
    sender: '@alice:a.test',
    state_key: '',
    content,
    prev_events: [],
    auth_events: [],
    depth: 1,
    origin_server_ts: 1,
    hashes: { sha256: '' },
    signatures: {},
  };
  return { find: () => acl };
}

test('a list of servers lets in those it allows and does not deny', () => {
  const room = roomWith({ allow: ['*'], deny: ['*.evil.test', 'Bad.test'] });
  const verdicts = ['good.test', 'very.evil.test', 'evil.test', 'bad.test:8448', '[::1]'].map((name) => isServerAllowed(room, name));
  expect(verdicts).toEqual([true, false, true, false, true]);
});

test('a server is told the same again, and otherwise once the list has changed', () => {
  const open = roomWith({ allow: ['*'] });
  expect([isServerAllowed(open, 'b.test'), isServerAllowed(open, 'b.test')]).toEqual([true, true]);
  expect(isServerAllowed(roomWith({ allow: ['*'], deny: ['b.test'] }), 'b.test')).toBe(false);
});

test('addresses in place of names can be shut out, and a list that allows nobody lets nobody in', () => {
  const named = roomWith({ allow: ['*'], allow_ip_literals: false });
  expect(['1.2.3.4', '[::1]:8448', 'b.test'].map((name) => isServerAllowed(named, name))).toEqual([false, false, true]);
  expect(isServerAllowed(roomWith({ allow: 'all' }), 'b.test')).toBe(false);
});

test('S23: a list that is full of the worst of globs is gone through, and says what it says', () => {
  const worst = Array.from({ length: 600 }, (_, n) => `${'*a'.repeat(40)}b${n}`);
  const long = `${'a'.repeat(60)}.${'a'.repeat(60)}.${'a'.repeat(60)}.test`;
  expect(isServerAllowed(roomWith({ allow: ['*'], deny: worst }), long)).toBe(true);
  expect(isServerAllowed(roomWith({ allow: ['*'], deny: [...worst, `${'*a'.repeat(40)}*.TEST`] }), long)).toBe(false);
  expect(isServerAllowed(roomWith({ allow: worst }), long)).toBe(false);
});

test('S23: a glob longer than any name shuts nobody out; what is no text in a list says nothing', () => {
  const odd = ['*'.repeat(5_000), 7, null, {}, ['b.test'], true];
  expect(isServerAllowed(roomWith({ allow: ['*'], deny: odd }), 'b.test')).toBe(true);
  expect(isServerAllowed(roomWith({ allow: ['?.TEST'], deny: ['**.b.test', '(b+)+.test', '[b].test', 'b\\.test'] }), 'b.test')).toBe(true);
});
