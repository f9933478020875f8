import { isJsonObject, type JsonObject, stringIn } from 'client/matrix/json.ts';
import type { Adapter, HookProblem } from './adapter.ts';
import { statusOf, textAnswer } from './answers.ts';
import { objectsIn } from './json-lists.ts';
import { renderMrkdwn } from './mrkdwn.ts';
import { bold, italic, lines, link, plain, type Rich, rich } from './rich-text.ts';
import { isFresh, isHmacSha256 } from './signatures.ts';
import { renderBlocks } from './slack-blocks.ts';

const MAX_ATTACHMENTS = 20;
const MAX_FIELDS = 50;

/** The words that senders know. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling_errors */
const WORDS: { readonly [Problem in HookProblem]: string } = {
  unknown: 'no_service',
  'bad-payload': 'invalid_payload',
  'no-text': 'no_text',
  'bad-signature': 'action_prohibited',
  'too-large': 'invalid_payload',
  'rate-limited': 'rate_limited',
  'not-in-room': 'channel_not_found',
  busy: 'service_unavailable',
};

/** Slack's incoming webhooks. Senders such as Alertmanager compare the bytes of the answer: exactly `ok`. */
export const slackAdapter: Adapter = {
  dialect: 'slack',
  recognises: ({ payload }) =>
    isJsonObject(payload) &&
    (typeof payload['text'] === 'string' || Array.isArray(payload['blocks']) || Array.isArray(payload['attachments'])),
  render({ payload }) {
    if (!isJsonObject(payload)) return { kind: 'invalid', reason: 'a JSON object was expected' };
    const content = renderSlack(payload);
    if (content.text.trim() === '') return { kind: 'nothing' };
    const name = stringIn(payload, 'username');
    return { kind: 'messages', messages: [name === undefined ? content : lines(bold(name), content)] };
  },
  verify({ headers, body }, secret, nowMs) {
    const timestamp = headers['x-slack-request-timestamp'];
    const [version, hex = ''] = (headers['x-slack-signature'] ?? '').split('=');
    return version === 'v0' && isFresh(timestamp, nowMs) && isHmacSha256(secret, [`v0:${timestamp}:`, body], hex);
  },
  accepted: { status: 200, contentType: 'text/plain', body: 'ok' },
  refused: (problem) => textAnswer(statusOf(problem), WORDS[problem]),
};

/** Blocks stand in the place of the text, which is then for notifications only; attachments follow. */
function renderSlack(payload: JsonObject): Rich {
  const blocks = renderBlocks(objectsIn(payload, 'blocks'));
  const text = stringIn(payload, 'text') ?? '';
  const head = blocks.text !== '' ? blocks : payload['mrkdwn'] === false ? plain(text) : renderMrkdwn(text);
  return lines(head, ...objectsIn(payload, 'attachments').slice(0, MAX_ATTACHMENTS).map(renderAttachment));
}

/** https://docs.slack.dev/messaging/formatting-message-text/#attachments */
function renderAttachment(attachment: JsonObject): Rich {
  const of = (key: string): string | undefined => stringIn(attachment, key);
  const markup = (key: string): Rich | undefined => (of(key) === undefined ? undefined : renderMrkdwn(of(key) ?? ''));
  const linked = (label: string | undefined, url: string | undefined): Rich | undefined =>
    label === undefined ? undefined : url === undefined ? rich(label) : link(url, label);
  const title = linked(of('title'), of('title_link'));
  const content = lines(
    markup('pretext'),
    linked(of('author_name'), of('author_link')),
    title === undefined ? undefined : bold(title),
    markup('text'),
    ...objectsIn(attachment, 'fields').slice(0, MAX_FIELDS).map(renderField),
    renderBlocks(objectsIn(attachment, 'blocks')),
    ...objectsIn(attachment, 'actions').map((action) => linked(stringIn(action, 'text'), stringIn(action, 'url'))),
    linked(of('image_url') === undefined ? undefined : 'image', of('image_url')),
    of('footer') === undefined ? undefined : italic(of('footer') ?? ''),
  );
  return content.text === '' ? plain(of('fallback') ?? '') : content;
}

function renderField(field: JsonObject): Rich {
  const value = field['value'];
  const shown = typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value);
  const title = stringIn(field, 'title');
  const content = renderMrkdwn(shown);
  return title === undefined || title === '' ? content : joinField(title, content);
}

function joinField(title: string, { text, html }: Rich): Rich {
  const label = bold(`${title}:`);
  return { text: `${label.text} ${text}`, html: `${label.html} ${html}` };
}
