import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

let server: TestServer;
let romeo: TestUser;
let roomId: string;
beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  roomId = await romeo.createRoom({});
});
afterAll(() => server[Symbol.asyncDispose]());

let sent = 0;
const send = (body: string) => {
  sent += 1;
  return romeo.attempt('PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/x.odd/odd${sent}`, body);
};

async function storedContents(): Promise<unknown[]> {
  const rows = await server.sql<{ json: string }[]>`select json from events where type = 'x.odd' order by event_nid`;
  return rows.map(({ json }) => JSON.parse(json).content);
}

test('S12: a key that a client says twice is one key, of which the last word counts, in what is stored, told and signed', async () => {
  const { status, body } = await send('{"body":"first","msgtype":"m.text","body":"last"}');
  expect(status).toBe(200);
  const shown = (await romeo.messages(roomId))[0];
  expect(shown).toMatchObject({ event_id: body['event_id'], content: { body: 'last', msgtype: 'm.text' } });
  const [row] = await server.sql<{ json: string }[]>`select json from events where event_id = ${String(body['event_id'])}`;
  expect(row?.json.match(/"body"/g)).toHaveLength(1);
  expect(row?.json).not.toContain('first');
});

test('S12: numbers that an event cannot hold, nesting without end and text that cannot be stored are refused, and nothing is sent', async () => {
  const before = await storedContents();
  const deep = (depth: number) => `{"body":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  const refused = [
    '{"n":1.5}',
    '{"n":1e400}',
    '{"n":-1e400}',
    '{"n":9007199254740993}',
    '{"n":123456789012345678901234567890}',
    deep(101),
    deep(100_000),
    '{"a":'.repeat(50_000),
    '{"body":"\\u0000"}',
    '{"body":"\\ud800"}',
    '{"\\u0000":1}',
    '[]',
    '"text"',
    'null',
    '{"body":"x"',
    '{"body":"x"}{}',
  ];
  for (const body of refused) {
    const { status, body: answer } = await send(body);
    expect(status, body.slice(0, 60)).toBe(400);
    expect(['M_BAD_JSON', 'M_NOT_JSON'], body.slice(0, 60)).toContain(answer['errcode']);
  }
  expect(await storedContents()).toEqual(before);
});

test('S13: keys that mean something to a program are told as they came', async () => {
  const text = '{"body":"x","__proto__":{"polluted":true},"constructor":1,"toString":2,"hasOwnProperty":3}';
  const { status, body } = await send(text);
  expect(status).toBe(200);
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(String(body['event_id']))}`;
  const { content } = (await romeo.call('GET', path)) as { content: object };
  expect(JSON.stringify(content)).toContain('"__proto__":{"polluted":true}');
  expect(Object.keys(content).sort()).toEqual(['__proto__', 'body', 'constructor', 'hasOwnProperty', 'toString']);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
