import { bold, code, codeBlock, italic, join, link, plain, type Rich, struck } from './rich-text.ts';

/** How deep emphasis may stand in emphasis. */
const MAX_DEPTH = 4;
const TOKEN =
  /```(?<fence>[\s\S]*?)```|`(?<code>[^`\n]+)`|<(?<angle>[^<>\n]+)>|(?<![\p{L}\p{N}*])\*(?<bold>[^*\n]+)\*(?![\p{L}\p{N}*])|(?<![\p{L}\p{N}_])_(?<italic>[^_\n]+)_(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}~])~(?<struck>[^~\n]+)~(?![\p{L}\p{N}~])/gu;

/** Renders Slack's mrkdwn. Its mentions become plain names: they notify nobody. https://docs.slack.dev/messaging/formatting-message-text */
export function renderMrkdwn(source: string, depth = 0): Rich {
  if (depth > MAX_DEPTH) return plain(unescapeSlack(source));
  const parts: Rich[] = [];
  let end = 0;
  for (const match of source.matchAll(TOKEN)) {
    parts.push(plain(unescapeSlack(source.slice(end, match.index))));
    parts.push(renderToken(match.groups ?? {}, depth));
    end = match.index + match[0].length;
  }
  parts.push(plain(unescapeSlack(source.slice(end))));
  return join(parts);
}

function renderToken(groups: { [name: string]: string | undefined }, depth: number): Rich {
  if (groups['fence'] !== undefined) return codeBlock(unescapeSlack(groups['fence'].replace(/^\n|\n$/g, '')));
  if (groups['code'] !== undefined) return code(unescapeSlack(groups['code']));
  if (groups['angle'] !== undefined) return renderAngle(groups['angle']);
  if (groups['bold'] !== undefined) return bold(renderMrkdwn(groups['bold'], depth + 1));
  if (groups['italic'] !== undefined) return italic(renderMrkdwn(groups['italic'], depth + 1));
  return struck(renderMrkdwn(groups['struck'] ?? '', depth + 1));
}

/** What stands in angle brackets: a link, a person, a channel, a group, a call to all, a date. */
function renderAngle(content: string): Rich {
  const bar = content.indexOf('|');
  const target = unescapeSlack(bar === -1 ? content : content.slice(0, bar));
  const label = bar === -1 ? undefined : unescapeSlack(content.slice(bar + 1));
  if (target.startsWith('@')) return plain(`@${label ?? target.slice(1)}`);
  if (target.startsWith('#')) return plain(`#${label ?? target.slice(1)}`);
  if (target.startsWith('!')) return plain(label ?? `@${target.slice(1).split('^')[0]}`);
  return link(target, label);
}

/** Slack escapes these three and nothing else. */
export function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
