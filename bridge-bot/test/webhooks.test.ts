import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { githubPush } from './fixtures/github-payload.ts';
import { grafanaAlert } from './fixtures/grafana-alert.ts';
import { textOf } from './kit/start-client.ts';
import { type HookScene, postHook, startHookScene } from './kit/start-hooks.ts';

let scene: HookScene;

beforeAll(async () => {
  scene = await startHookScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** What the bot wrote into the room, oldest first. */
function listPosted(roomId: string): string[] {
  const { userId } = scene.bot().bot;
  return scene.juliet
    .room(roomId)
    .timeline.state.get()
    .items.filter(({ sender }) => sender === userId)
    .map(textOf)
    .filter((text) => text !== '' && !text.startsWith('Made the hook'));
}

test('a Grafana alert and a GitHub push appear in an encrypted room, and no delivery twice', async () => {
  const { juliet } = scene;
  const roomId = await scene.room();
  const grafana = await scene.hook(roomId, 'alerts', 'grafana');
  const github = await scene.hook(roomId, 'code');

  await expect(postHook(grafana, grafanaAlert('firing'))).resolves.toMatchObject({ status: 200 });
  const alert = await juliet.seeText(roomId, '[FIRING:1] High memory usage');
  expect(alert.body).toMatchObject({ kind: 'notice', html: expect.stringContaining('&lt;b&gt;leaks&lt;/b&gt; &amp; restart') });
  await expect(postHook(grafana, grafanaAlert('firing'))).resolves.toMatchObject({ status: 200 });

  const push = { 'x-github-event': 'push', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' };
  await expect(postHook(github, githubPush(), push)).resolves.toMatchObject({ status: 200 });
  await juliet.seeText(roomId, 'pushed');
  await expect(postHook(github, githubPush(), push)).resolves.toMatchObject({ status: 200 });

  await scene.restartBot();
  await expect(postHook(github, githubPush(), push)).resolves.toMatchObject({ status: 200 });
  await expect(postHook(grafana, grafanaAlert('resolved'))).resolves.toMatchObject({ status: 200 });
  const resolved = await juliet.seeText(roomId, '[RESOLVED] High memory usage');
  expect(resolved.eventId).toBe(alert.eventId);

  await postHook(github, githubPush(), { ...push, 'x-github-delivery': 'another one' });
  await juliet.see(roomId, () => listPosted(roomId).filter((text) => text.includes('pushed')).length === 2);
  const posted = listPosted(roomId);
  expect(posted.filter((text) => text.includes('pushed'))).toHaveLength(2);
  expect(posted.filter((text) => text.includes('High memory usage'))).toHaveLength(1);

  const clear = await scene.server.sql`select event_id from events where json like '%High memory%'`;
  expect(clear).toEqual([]);
});

test('Slack senders get exactly "ok", and their own words when something is wrong', async () => {
  const { juliet } = scene;
  const roomId = await scene.room();
  const url = await scene.hook(roomId, 'slack');
  await expect(postHook(`${url}/slack`, { text: '*Deployed* <https://ci.example.org|build 7> &amp; more <!channel>' })).resolves.toEqual({
    status: 200,
    body: 'ok',
    contentType: 'text/plain',
  });
  const posted = await juliet.seeText(roomId, 'Deployed');
  expect(posted).toMatchObject({
    isHighlight: false,
    body: { html: '<strong>Deployed</strong> <a href="https://ci.example.org">build 7</a> &amp; more @channel' },
  });
  const form = new URLSearchParams({ payload: JSON.stringify({ username: 'CI', text: 'from a form' }) });
  await expect(postHook(url, form.toString(), { 'content-type': 'application/x-www-form-urlencoded' })).resolves.toMatchObject({
    body: 'ok',
  });
  await juliet.seeText(roomId, 'from a form');
  await expect(postHook(`${url}/slack`, {})).resolves.toMatchObject({ status: 400, body: 'no_text' });
  await expect(postHook(`${url}/slack`, '{"text":')).resolves.toMatchObject({ status: 400, body: 'invalid_payload' });
});

test('a wrong secret, an unknown hook and a deleted one are answered alike', async () => {
  const { juliet } = scene;
  const roomId = await scene.room();
  const url = await scene.hook(roomId, 'secret');
  const wrong = await postHook(`${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`, { text: 'x' });
  const unknown = await postHook(url.replace(/hooks\/[^/]+/, 'hooks/unknown'), { text: 'x' });
  await juliet.say(roomId, '!hook delete secret');
  await juliet.seeText(roomId, 'Deleted the hook secret');
  const deleted = await postHook(url, { text: 'x' });
  expect(wrong.status).toBe(404);
  expect(unknown).toEqual(wrong);
  expect(deleted).toEqual(wrong);
});

test('bodies over 1 MB, what is no JSON, and floods are refused', async () => {
  const roomId = await scene.room();
  const url = await scene.hook(roomId, 'limits', 'slack');
  await expect(postHook(url, { text: 'x'.repeat(1024 * 1024) })).resolves.toMatchObject({ status: 413 });
  await expect(fetch(url, { method: 'POST', body: new Uint8Array([0xff, 0xfe]) })).resolves.toMatchObject({ status: 400 });
  await expect(fetch(url)).resolves.toMatchObject({ status: 405 });
  const statuses = new Set<number>();
  for (let sent = 0; sent < 80; sent += 1) statuses.add((await postHook(url, { text: '' })).status);
  expect(statuses).toEqual(new Set([400, 429]));
});

test('a hook that wants signatures takes nothing unsigned, in no dialect', async () => {
  const { juliet } = scene;
  const roomId = await scene.room();
  const url = await scene.hook(roomId, 'signed');
  const secret = 'it is the east';
  await juliet.say(roomId, `!hook sign signed "${secret}"`);
  await juliet.seeText(roomId, 'takes only what is signed');
  const body = JSON.stringify(githubPush());
  const headers = { 'x-github-event': 'push', 'x-github-delivery': '1' };
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  await expect(postHook(url, body, headers)).resolves.toMatchObject({ status: 401 });
  await expect(postHook(url, `${body} `, { ...headers, 'x-hub-signature-256': signature })).resolves.toMatchObject({ status: 401 });
  await expect(postHook(`${url}/generic`, { text: 'let me in' })).resolves.toMatchObject({ status: 401 });
  await expect(postHook(url, body, { ...headers, 'x-hub-signature-256': signature })).resolves.toMatchObject({ status: 200 });
  await juliet.seeText(roomId, 'pushed');
});

test('only those who may change the room make hooks, and its health is told', async () => {
  const { juliet, server } = scene;
  const roomId = await scene.room();
  const romeo = await server.user('romeo');
  await juliet.room(roomId).invite(romeo.id);
  await romeo.join(roomId);
  const { startClient } = await import('./kit/start-client.ts');
  await using client = await startClient(server.url, 'romeo');
  await client.say(roomId, '!hook create mine');
  await client.seeText(roomId, 'Only those who may change the settings');
  const health = await fetch(`http://127.0.0.1:${scene.bot().port}/health`);
  expect(health.status).toBe(200);
  await expect(health.json()).resolves.toEqual({ status: 'ok' });
});

test('what comes in while the homeserver is away is posted when it is back, once, even if the bot stops meanwhile', async () => {
  const { juliet, server } = scene;
  const roomId = await scene.room();
  const url = await scene.hook(roomId, 'outage', 'slack');
  await server.stop();
  await expect(postHook(url, { text: 'said into the dark' })).resolves.toMatchObject({ body: 'ok' });
  await expect(postHook(url, { text: 'and again' })).resolves.toMatchObject({ body: 'ok' });
  const restarting = scene.restartBot();
  await server.restart();
  await restarting;
  await juliet.seeText(roomId, 'and again');
  expect(listPosted(roomId)).toEqual(['said into the dark', 'and again']);
});
