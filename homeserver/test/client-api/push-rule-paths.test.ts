import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

let server: TestServer;
let romeo: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
});
afterAll(async () => await server[Symbol.asyncDispose]());

const rules = (rest: string) => `/_matrix/client/v3/pushrules${rest}`;
const told = async (method: string, rest: string, body?: unknown) => {
  const answer = await romeo.attempt(method, rules(rest), body);
  return [answer.status, answer.body['errcode']];
};

test('the rules of one kind are read by themselves', async () => {
  const all = (await romeo.call('GET', rules('/global/'))) as Record<string, unknown>;
  for (const kind of ['override', 'underride', 'content', 'room', 'sender']) {
    expect(await romeo.call('GET', rules(`/global/${kind}/`))).toEqual(all[kind]);
  }
});

test.each(['/global', '/device/', '/global/override', '/global/nothing/', '/global/override/.m.rule.master/nothing'])(
  'the path %s names no push rule',
  async (path) => {
    const [status, errcode] = await told('GET', path);
    expect(status).toBe(400);
    expect(['M_UNRECOGNIZED', 'M_INVALID_PARAM']).toContain(errcode);
  },
);

test('a rule is not put where no rule can be', async () => {
  const rule = { conditions: [], actions: ['notify'] };
  for (const path of ['/global', '/global/override', '/global/override/', '/device/override/mine', '/global/nothing/mine']) {
    expect((await told('PUT', path, rule))[0], path).toBe(400);
  }
});

test('a rule of the server cannot be deleted', async () => {
  expect(await told('DELETE', '/global/override/.m.rule.master')).toEqual([404, 'M_NOT_FOUND']);
  expect((await told('GET', '/global/override/.m.rule.master'))[0]).toBe(200);
});
