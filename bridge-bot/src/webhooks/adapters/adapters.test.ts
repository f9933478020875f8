import { isJsonObject } from 'client/matrix/json.ts';
import { expect, test } from 'vitest';
import { listGithubPayloads } from '../../../test/fixtures/github-payload.ts';
import { grafanaAlert } from '../../../test/fixtures/grafana-alert.ts';
import type { HookRequest } from '../inbound/hook-request.ts';
import type { HookMessage } from './adapter.ts';
import { adapterOf, recogniseAdapter } from './find-adapter.ts';

function requestOf(payload: unknown, headers: Record<string, string> = {}): HookRequest {
  return { method: 'POST', headers, payload, body: new TextEncoder().encode(JSON.stringify(payload)) };
}

/** What the recognised adapter would post. */
function render(payload: unknown, headers: Record<string, string> = {}): readonly HookMessage[] {
  const request = requestOf(payload, headers);
  const rendering = recogniseAdapter(request).render(request);
  return rendering.kind === 'messages' ? rendering.messages : [];
}

/** The tags that our own functions write; anything else came from a sender. */
const OWN_TAGS = /<\/?(?:strong|em|del|code|pre|blockquote|ul|li)>|<br>|<a href="(?:https?|mailto):[^"<>]*">|<\/a>/g;

test('every real payload of GitHub renders, or says nothing, and leaves no markup of its sender', () => {
  let posted = 0;
  for (const { event, payload } of listGithubPayloads()) {
    for (const { text, html } of render(payload, { 'x-github-event': event })) {
      posted += 1;
      expect(text, event).not.toMatch(/undefined|\[object/);
      expect(html.replace(OWN_TAGS, ''), event).not.toMatch(/[<>]/);
    }
  }
  expect(posted).toBeGreaterThan(60);
});

test('a push names who pushed what to where', () => {
  const push = listGithubPayloads('push').find(({ payload }) => Array.isArray(payload['commits']) && payload['commits'].length > 0);
  const [message] = render(push?.payload, { 'x-github-event': 'push' });
  expect(message?.text).toMatch(/^\[.+\/.+\] .+ pushed \d+ commits? .*to `.+`\n• `[0-9a-f]{7}`/);
});

test.each([
  ['github', { ref: 'refs/heads/main' }, { 'x-github-event': 'push' }],
  ['gitlab', { object_kind: 'push' }, { 'x-gitlab-event': 'Push Hook' }],
  ['grafana', grafanaAlert('firing'), {}],
  ['alertmanager', { version: '4', status: 'firing', groupKey: '{}', alerts: [] }, {}],
  ['slack', { text: 'hello' }, {}],
  ['discord', { content: 'hello', embeds: [] }, {}],
  ['generic', { anything: 1.5 }, {}],
])('%s is recognised by what it looks like', (dialect, payload, headers: Record<string, string>) => {
  expect(recogniseAdapter(requestOf(payload, headers)).dialect).toBe(dialect);
});

test('an alert and its resolution share a key; other groups and receivers do not', () => {
  const keyOf = (payload: unknown) => render(payload)[0]?.threadKey;
  const firing = keyOf(grafanaAlert('firing'));
  expect(firing).toBeDefined();
  expect(keyOf(grafanaAlert('resolved'))).toBe(firing);
  expect(keyOf({ ...grafanaAlert('firing'), groupKey: 'another' })).not.toBe(firing);
  expect(render(grafanaAlert('resolved'))[0]).toMatchObject({ isFinal: true });
});

test('links lead only where a reader may follow them', () => {
  const [message] = render({ text: '<javascript:alert(1)|click> <https://good.example/?a="b"|safe> <data:text/html,x>' });
  expect(message?.html).not.toContain('javascript:');
  expect(message?.html).not.toContain('href="data:');
  expect(message?.html).toContain('<a href="https://good.example/?a=&quot;b&quot;">safe</a>');
});

test.each([
  [
    'nested beyond reason',
    { blocks: Array.from({ length: 1000 }, () => ({ type: 'rich_text', elements: [{ type: 'rich_text_section', elements: 'x' }] })) },
  ],
  [
    'wrong types everywhere',
    { text: 7, blocks: [null, 3, { type: 'section', text: 'x', fields: {} }], attachments: [{ fields: [{ value: {} }] }, 'x'] },
  ],
  ['alerts that are none', { status: 'firing', title: 'x', alerts: [null, 'x', { labels: [], annotations: 3 }] }],
  ['embeds that are none', { embeds: [{ fields: 'x', author: 3, image: [] }, 7] }],
  ['prototype names', { text: '__proto__ constructor', username: 'toString' }],
])('a hostile body does no harm: %s', (_, payload) => {
  expect(() => render(payload)).not.toThrow();
  expect(() => render(payload, { 'x-github-event': 'constructor' })).not.toThrow();
  expect(() => render(payload, { 'x-github-event': 'push' })).not.toThrow();
});

test('markup that never ends is read in no time', () => {
  const startedAt = performance.now();
  for (const piece of ['*', '_a', '`', '```', '<', '~ ', '*_~`<']) render({ text: piece.repeat(60_000) });
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test('Slack formats, blocks and attachments are shown', () => {
  const [message] = render({
    text: 'for notifications only',
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: 'Deploy' } },
      { type: 'section', text: { type: 'mrkdwn', text: '*ok* _really_ ~not~ `x < y`' }, fields: [{ type: 'mrkdwn', text: 'a &amp; b' }] },
      { type: 'actions', elements: [{ type: 'button', url: 'https://ci.example', text: { type: 'plain_text', text: 'Open' } }] },
    ],
    attachments: [{ title: 'Build', title_link: 'https://ci.example/7', fields: [{ title: 'Branch', value: 'main' }], footer: 'CI' }],
  });
  expect(message?.text).toBe(
    'Deploy\nok really not `x < y`\na & b\nOpen (https://ci.example)\nBuild (https://ci.example/7)\nBranch: main\nCI',
  );
  expect(message?.html).toContain('<strong>ok</strong> <em>really</em> <del>not</del> <code>x &lt; y</code>');
  expect(isJsonObject(JSON.parse(adapterOf('discord').refused('no-text').body))).toBe(true);
});
