import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { uploadKeys } from '../../src/api/client/keys.ts';
import { login } from '../../src/api/client/login.ts';
import { inviteUser, joinRoom } from '../../src/api/client/membership.ts';
import { getRoomEvents } from '../../src/api/client/messages.ts';
import { register } from '../../src/api/client/registration.ts';
import { createRoom } from '../../src/api/client/rooms.ts';
import { slidingSync } from '../../src/api/client/sliding-sync.ts';
import { getRoomStateWithKey } from '../../src/api/client/state.ts';
import { sync } from '../../src/api/client/sync.ts';
import { sendToDevice } from '../../src/api/client/to-device.ts';
import { endpoint, listPaths } from '../../src/api/endpoint.ts';
import { mapOf } from '../../src/api/schemas/json.ts';
import { readBoolean, readInteger, readList } from '../../src/api/schemas/query.ts';
import { sendTransaction } from '../../src/api/server/transactions.ts';

function fits(schema: TSchema | 'raw', value: unknown): boolean {
  return schema !== 'raw' && Compile(schema).Check(value);
}

describe('what clients send is taken', () => {
  test.each([
    [
      'a room with every key a client knows',
      createRoom.body,
      {
        preset: 'private_chat',
        visibility: 'private',
        invite: ['@juliet:hs1'],
        is_direct: true,
        initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
        'org.example.odd': null,
      },
    ],
    ['a room with no wishes', createRoom.body, {}],
    ['a first try to register', register.body, {}],
    [
      'a stage of authentication with keys of its own',
      register.body,
      { auth: { type: 'm.login.email.identity', session: 's', threepid_creds: { sid: '1', client_secret: 'x' } } },
    ],
    ['a login as it was before identifiers', login.body, { type: 'm.login.password', user: 'romeo', password: 'wherefore' }],
    ['an invite by user id', inviteUser.body, { user_id: '@juliet:hs1' }],
    [
      'an invite by address',
      inviteUser.body,
      { id_server: 'id.example', id_access_token: 't', medium: 'email', address: 'juliet@capulet.example' },
    ],
    ['several servers to join by', joinRoom.query, { via: ['hs1', 'hs2'], server_name: 'hs3' }],
    [
      'keys that are signed and keys that are not',
      uploadKeys.body,
      {
        one_time_keys: {
          'curve25519:AAAA': 'key',
          'signed_curve25519:AAAB': { key: 'key', signatures: { '@romeo:hs1': { 'ed25519:D': 's' } } },
        },
      },
    ],
    [
      'a list of rooms and its extensions',
      slidingSync.body,
      {
        conn_id: 'room-list',
        lists: { all: { ranges: [[0, 19]], timeline_limit: 1, required_state: [['m.room.member', '$LAZY']] } },
        extensions: { e2ee: { enabled: true } },
      },
    ],
    ['a sync with numbers and booleans as text', sync.query, { timeout: '30000', full_state: 'false', since: 's1' }],
    [
      'a transaction with a broken event and a broken EDU beside good ones',
      sendTransaction.body,
      { origin: 'hs2', origin_server_ts: 1, pdus: [{}, { type: 3 }], edus: [{ edu_type: 5 }] },
    ],
  ])('%s', (_, schema, value) => {
    expect(fits(schema, value)).toBe(true);
  });
});

describe('what cannot be meant is refused', () => {
  test.each([
    ['a body that is a list', createRoom.body, []],
    ['a room version that is a number', createRoom.body, { room_version: 10 }],
    ['an invitee that is no user id', createRoom.body, { invite: ['juliet'] }],
    ['a login of no type', login.body, { password: 'wherefore' }],
    ['an invite of nobody', inviteUser.body, { reason: 'please' }],
    ['a direction that is neither', getRoomEvents.query, { dir: 'up' }],
    ['a limit that is no number', getRoomEvents.query, { dir: 'b', limit: 'ten' }],
    ['a timeout below nothing', sync.query, { timeout: '-1' }],
    ['a number longer than a double holds', sync.query, { timeout: '9'.repeat(30) }],
    ['a message to a device that is no object', sendToDevice.body, { messages: { '@juliet:hs1': { '*': 'O' } } }],
    ['a wrong value behind a key with a line break', sendToDevice.body, { messages: { '@juliet\n:hs1': 'O' } }],
    ['a transaction whose events are no list', sendTransaction.body, { origin: 'hs2', origin_server_ts: 1, pdus: 'event' }],
  ])('%s', (_, schema, value) => {
    expect(fits(schema, value)).toBe(false);
  });
});

test('a map checks the values of all its keys, however odd', () => {
  const checks = Compile(mapOf(Type.Integer()));
  for (const key of ['', '\n', 'a\u2028b', '__proto__', '\ud800']) {
    expect(checks.Check(JSON.parse(`{${JSON.stringify(key)}: 1}`))).toBe(true);
    expect(checks.Check(JSON.parse(`{${JSON.stringify(key)}: "1"}`))).toBe(false);
  }
});

test('query values are read as what they stand for', () => {
  expect([readInteger('42'), readInteger('-1'), readInteger(undefined)]).toEqual([42, -1, undefined]);
  expect([readBoolean('true'), readBoolean('false'), readBoolean(undefined)]).toEqual([true, false, undefined]);
  expect([readList('hs1'), readList(['hs1', 'hs2']), readList(undefined)]).toEqual([['hs1'], ['hs1', 'hs2'], []]);
});

test('an operation as old as version 3 is served by its older names as well, a newer one is not', () => {
  const names = ['v3', 'r0', 'api/v1', 'unstable'];
  expect(listPaths(sync)).toEqual(names.map((name) => `/_matrix/client/${name}/sync`));
  expect(listPaths({ ...sync, path: '/_matrix/media/v3/config' })).toEqual(
    ['v3', 'r0', 'v1'].map((name) => `/_matrix/media/${name}/config`),
  );
  expect(listPaths({ ...sync, since: 'v1.16' })).toEqual(['/_matrix/client/v3/sync']);
});

test('an empty state key may be left out of the path', () => {
  expect(listPaths(getRoomStateWithKey)).toContain('/_matrix/client/v3/rooms/:roomId/state/:eventType');
  expect(fits(getRoomStateWithKey.params, { roomId: '!r:hs1', eventType: 'm.room.name' })).toBe(true);
});

test('an endpoint says where it is specified by its method and path', () => {
  const ping = endpoint({
    id: 'ping',
    method: 'PUT',
    path: '/_matrix/client/v3/rooms/:roomId/typing/:userId',
    auth: 'none',
    response: Type.Object({}),
  });
  expect(ping.spec).toBe('https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidtypinguserid');
});
