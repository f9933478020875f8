import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

type Rule = { rule_id: string; default: boolean; enabled: boolean; actions: unknown[]; pattern?: string; conditions?: unknown[] };
const RULES = '/_matrix/client/v3/pushrules/global';
const NOTIFY = { actions: ['notify'] };

let server: TestServer;
let romeo: TestUser;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());
/** Somebody who has changed nothing yet. */
const newcomer = (): Promise<TestUser> => server.user('romeo');

async function own(user: TestUser, kind: string): Promise<string[]> {
  const ruleset = await user.call('GET', `${RULES}/`);
  return (ruleset[kind] as Rule[]).filter((rule) => !rule.default).map((rule) => rule.rule_id);
}

describe('rules of one’s own', () => {
  test('of every kind are kept as they are written', async () => {
    romeo = await newcomer();
    const conditions = [{ kind: 'event_match', key: 'content.msgtype', pattern: 'm.notice' }];
    for (const [kind, id, body] of [
      ['room', '!abc:example.com', NOTIFY],
      ['sender', '@juliet:example.com', { actions: [{ set_tweak: 'sound', value: 'ping' }] }],
      ['content', 'anchor', { ...NOTIFY, pattern: 'anchor' }],
      ['override', 'over', { ...NOTIFY, conditions }],
      ['underride', 'under', { actions: [], conditions: [] }],
    ] as const) {
      const path = `${RULES}/${kind}/${encodeURIComponent(id)}`;
      expect(await romeo.call('PUT', path, body)).toEqual({});
      expect(await romeo.call('GET', path)).toEqual({ rule_id: id, default: false, enabled: true, ...body });
      expect(await own(romeo, kind)).toEqual([id]);
      expect(await romeo.call('GET', `${path}/actions`)).toEqual({ actions: body.actions });
      expect(await romeo.call('GET', `${path}/enabled`)).toEqual({ enabled: true });
      expect(await romeo.call('PUT', `${path}/enabled`, { enabled: false })).toEqual({});
      expect(await romeo.call('PUT', `${path}/actions`, { actions: ['notify', { set_tweak: 'highlight' }] })).toEqual({});
      expect(await romeo.call('GET', path)).toMatchObject({ enabled: false, actions: ['notify', { set_tweak: 'highlight' }] });
      expect(await romeo.call('PUT', path, body)).toEqual({});
      expect(await romeo.call('GET', path)).toMatchObject({ enabled: false, actions: body.actions });
      expect(await romeo.call('DELETE', path)).toEqual({});
      expect(await romeo.attempt('GET', path)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
      expect(await romeo.attempt('DELETE', path)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    }
  });

  test('stand before older ones, or where they are put', async () => {
    romeo = await newcomer();
    const put = (id: string, query = '') => romeo.call('PUT', `${RULES}/room/${encodeURIComponent(id)}${query}`, NOTIFY);
    await put('!b:x');
    await put('!a:x');
    expect(await own(romeo, 'room')).toEqual(['!a:x', '!b:x']);
    await put('!c:x', `?after=${encodeURIComponent('!a:x')}`);
    await put('!d:x', `?before=${encodeURIComponent('!b:x')}`);
    expect(await own(romeo, 'room')).toEqual(['!a:x', '!c:x', '!d:x', '!b:x']);
    await put('!b:x', `?before=${encodeURIComponent('!a:x')}`);
    expect(await own(romeo, 'room')).toEqual(['!b:x', '!a:x', '!c:x', '!d:x']);
    await put('!c:x');
    expect(await own(romeo, 'room')).toEqual(['!b:x', '!a:x', '!c:x', '!d:x']);
    for (const place of ['before', 'after'])
      expect(await romeo.attempt('PUT', `${RULES}/room/!e:x?${place}=nothing`, NOTIFY)).toMatchObject({
        status: 400,
        body: { errcode: 'M_UNKNOWN' },
      });
    await romeo.call('PUT', `${RULES}/override/mine`, { ...NOTIFY, conditions: [] });
    const { override } = (await romeo.call('GET', `${RULES}/`)) as { override: Rule[] };
    expect(override.slice(0, 2).map((rule) => rule.rule_id)).toEqual(['.m.rule.master', 'mine']);
  });

  test('come down sync when they change', async () => {
    romeo = await newcomer();
    await romeo.sync();
    const next = romeo.sync({ timeoutMs: 10_000 });
    await romeo.call('PUT', `${RULES}/room/!abc:x`, NOTIFY);
    const events = ((await next)['account_data'] as { events: { type: string; content: { global: { room: Rule[] } } }[] }).events;
    expect(events.find((event) => event.type === 'm.push_rules')?.content.global.room).toMatchObject([{ rule_id: '!abc:x' }]);
  });
});

describe('the server’s rules', () => {
  test('can be turned off and changed, not removed', async () => {
    romeo = await newcomer();
    const path = `${RULES}/override/.m.rule.master`;
    expect(await romeo.call('GET', `${path}/enabled`)).toEqual({ enabled: false });
    await romeo.call('PUT', `${path}/enabled`, { enabled: true });
    expect(await romeo.call('GET', path)).toMatchObject({ enabled: true, default: true });
    const message = `${RULES}/underride/.m.rule.message`;
    await romeo.call('PUT', `${message}/actions`, { actions: ['notify', { set_tweak: 'sound', value: 'default' }] });
    expect(await romeo.call('GET', message)).toMatchObject({
      default: true,
      actions: ['notify', { set_tweak: 'sound', value: 'default' }],
    });
    expect(await romeo.attempt('DELETE', message)).toMatchObject({ status: 404 });
    expect(await romeo.attempt('PUT', message, { ...NOTIFY, conditions: [] })).toMatchObject({ status: 400 });
  });

  test('tell of polls', async () => {
    const { override, underride } = (await (await newcomer()).call('GET', `${RULES}/`)) as { override: Rule[]; underride: Rule[] };
    const ids = [...override, ...underride].map((rule) => rule.rule_id);
    for (const name of ['poll_response', 'poll_start', 'poll_start_one_to_one', 'poll_end', 'poll_end_one_to_one'])
      expect(ids).toContain(`.org.matrix.msc3930.rule.${name}`);
  });
});

describe('what is no rule is refused', () => {
  test.each([
    ['PUT', '/override/x', NOTIFY, 400],
    ['PUT', '/underride/x', NOTIFY, 400],
    ['PUT', '/override/x', { ...NOTIFY, conditions: [{ key: 'content.body', pattern: 'x' }] }, 400],
    ['PUT', '/content/x', NOTIFY, 400],
    ['PUT', '/content/x', { ...NOTIFY, pattern: '' }, 400],
    ['PUT', '/room/!x:x', {}, 400],
    ['PUT', '/room/!x:x', { actions: 'notify' }, 400],
    ['PUT', '/room/!x:x', { actions: ['stamp_feet'] }, 400],
    ['PUT', '/room/!x:x', { actions: [{ value: 'x' }] }, 400],
    ['PUT', '/room/', NOTIFY, 400],
    ['PUT', '/room/.m.rule.mine', NOTIFY, 400],
    ['PUT', '/room/a%2Fb', NOTIFY, 400],
    ['PUT', '/room/a%5Cb', NOTIFY, 400],
    ['PUT', '/nonsense/x', NOTIFY, 400],
    ['PUT', '/override/.m.rule.nothing/enabled', { enabled: true }, 404],
    ['PUT', '/override/nothing/enabled', { enabled: true }, 404],
    ['PUT', '/override/.m.rule.master/enabled', { enabled: 'yes' }, 400],
    ['PUT', '/override/.m.rule.master/enabled', {}, 400],
    ['PUT', '/override/.m.rule.nothing/actions', NOTIFY, 404],
    ['PUT', '/override/.m.rule.master/actions', { actions: ['stamp_feet'] }, 400],
    ['PUT', '/override/.m.rule.master/actions', {}, 400],
    ['GET', '/override/nothing', undefined, 404],
    ['GET', '/override/nothing/enabled', undefined, 404],
    ['GET', '/override/nothing/actions', undefined, 404],
    ['GET', '/nonsense/x', undefined, 400],
    ['GET', '/override/.m.rule.master/nonsense', undefined, 400],
  ] as const)('%s %s %j', async (method, path, body, status) => {
    romeo ??= await newcomer();
    const before = await romeo.call('GET', `${RULES}/`);
    const answer = await romeo.attempt(method, `${RULES}${path}`, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    expect(answer.body).toMatchObject({ errcode: expect.stringMatching(/^M_/) });
    expect(await romeo.call('GET', `${RULES}/`)).toEqual(before);
  });

  test('of another scope, or without a token', async () => {
    romeo ??= await newcomer();
    expect((await romeo.attempt('GET', '/_matrix/client/v3/pushrules/device/')).status).toBe(400);
    expect((await fetch(`${server.url}${RULES}/`)).status).toBe(401);
  });
});
