import { isJsonObject, type JsonObject, objectIn, stringIn } from 'client/matrix/json.ts';
import type { Adapter, HookProblem } from './adapter.ts';
import { jsonAnswer, messageOf, statusOf } from './answers.ts';
import { objectsIn } from './json-lists.ts';
import { bold, italic, join, lines, link, plain, quote, type Rich } from './rich-text.ts';

const MAX_EMBEDS = 10;
const MAX_FIELDS = 25;

/** Discord's codes. https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes */
const CODES: { readonly [Problem in HookProblem]: number } = {
  unknown: 10_015,
  'bad-payload': 50_109,
  'no-text': 50_006,
  'bad-signature': 40_001,
  'too-large': 40_005,
  'rate-limited': 20_028,
  'not-in-room': 10_003,
  busy: 0,
};

/** Discord's webhooks. https://discord.com/developers/docs/resources/webhook#execute-webhook */
export const discordAdapter: Adapter = {
  dialect: 'discord',
  recognises: ({ payload }) => isJsonObject(payload) && (typeof payload['content'] === 'string' || Array.isArray(payload['embeds'])),
  render({ payload }) {
    if (!isJsonObject(payload)) return { kind: 'invalid', reason: 'a JSON object was expected' };
    const content = lines(plain(stringIn(payload, 'content') ?? ''), ...objectsIn(payload, 'embeds').slice(0, MAX_EMBEDS).map(renderEmbed));
    if (content.text.trim() === '') return { kind: 'nothing' };
    const name = stringIn(payload, 'username');
    return { kind: 'messages', messages: [name === undefined ? content : lines(bold(name), content)] };
  },
  accepted: { status: 204, contentType: 'application/json', body: '' },
  refused: (problem) => jsonAnswer(statusOf(problem), { code: CODES[problem], message: messageOf(problem) }),
};

function renderEmbed(embed: JsonObject): Rich {
  const title = stringIn(embed, 'title');
  const url = stringIn(embed, 'url');
  const image = stringIn(objectIn(embed, 'image'), 'url');
  const footer = stringIn(objectIn(embed, 'footer'), 'text');
  return quote(
    lines(
      stringIn(objectIn(embed, 'author'), 'name'),
      title === undefined ? undefined : bold(url === undefined ? title : link(url, title)),
      stringIn(embed, 'description'),
      ...objectsIn(embed, 'fields')
        .slice(0, MAX_FIELDS)
        .map((field) => join([bold(stringIn(field, 'name') ?? ''), ': ', stringIn(field, 'value')])),
      image === undefined ? undefined : link(image, 'image'),
      footer === undefined ? undefined : italic(footer),
    ),
  );
}
