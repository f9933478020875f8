import { expect, test } from 'vitest';
import { buildUri, fillPath } from '../../src/api/build-uri.ts';
import { sendMessage } from '../../src/api/client/send.ts';

test('what stands in a path cannot change it', () => {
  const params = { roomId: '!a/b:hs.test', eventType: 'm.room.message', txnId: '?#%' };
  expect(buildUri(sendMessage.path, params)).toBe('/_matrix/client/v3/rooms/!a%2Fb%3Ahs.test/send/m.room.message/%3F%23%25');
});

test('a value may be given several times, or be left out', () => {
  const query = { v: ['a&b', 'c'], limit: 10, from: undefined };
  expect(buildUri('/backfill', {}, query)).toBe('/backfill?v=a%26b&v=c&limit=10');
});

test('a path without one of its values is refused', () => {
  expect(() => fillPath('/rooms/:roomId', {})).toThrow('The path /rooms/:roomId needs a value for roomId.');
});
