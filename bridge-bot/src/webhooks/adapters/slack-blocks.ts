import { isJsonObject, type JsonObject, objectIn, stringIn } from 'client/matrix/json.ts';
import { objectsIn } from './json-lists.ts';
import { renderMrkdwn } from './mrkdwn.ts';
import { bold, code, codeBlock, italic, join, lines, link, list, plain, quote, type Rich, struck } from './rich-text.ts';

const MAX_BLOCKS = 50;
const MAX_DEPTH = 6;

/** Renders Block Kit's blocks; those not known here show nothing. https://docs.slack.dev/reference/block-kit/blocks */
export function renderBlocks(blocks: readonly JsonObject[]): Rich {
  return lines(...blocks.slice(0, MAX_BLOCKS).map(renderBlock));
}

function renderBlock(block: JsonObject): Rich | undefined {
  switch (stringIn(block, 'type')) {
    case 'header':
      return bold(renderText(objectIn(block, 'text')));
    case 'section':
      return lines(
        renderText(objectIn(block, 'text')),
        ...objectsIn(block, 'fields').map(renderText),
        renderElement(objectIn(block, 'accessory')),
      );
    case 'context':
      return italic(join(objectsIn(block, 'elements').map(renderElement), ' '));
    case 'divider':
      return plain('———');
    case 'image':
      return renderImage(block);
    case 'markdown':
      return plain(stringIn(block, 'text') ?? '');
    case 'actions':
      return join(objectsIn(block, 'elements').map(renderElement), ' ');
    case 'rich_text':
      return lines(...objectsIn(block, 'elements').map((element) => renderRichText(element, 0)));
    case 'table':
      return renderTable(block);
    default:
      return undefined;
  }
}

/** A text object: plain, or mrkdwn. */
function renderText(text: JsonObject | undefined): Rich {
  const content = stringIn(text, 'text') ?? '';
  return stringIn(text, 'type') === 'mrkdwn' ? renderMrkdwn(content) : plain(content);
}

/** What stands in a context, beside a section or among actions: texts, images, and buttons that lead somewhere. */
function renderElement(element: JsonObject | undefined): Rich | undefined {
  if (element === undefined) return undefined;
  const type = stringIn(element, 'type');
  if (type === 'image') return renderImage(element);
  if (type === 'mrkdwn' || type === 'plain_text') return renderText(element);
  const url = stringIn(element, 'url');
  return url === undefined ? undefined : link(url, renderText(objectIn(element, 'text')));
}

function renderImage(image: JsonObject): Rich {
  const label = stringIn(objectIn(image, 'title'), 'text') ?? stringIn(image, 'alt_text') ?? 'image';
  const url = stringIn(image, 'image_url');
  return url === undefined ? plain(label) : link(url, label);
}

function renderRichText(element: JsonObject, depth: number): Rich {
  if (depth > MAX_DEPTH) return plain('');
  const elements = objectsIn(element, 'elements');
  const children = (): Rich => join(elements.map((child) => renderRichText(child, depth + 1)));
  switch (stringIn(element, 'type')) {
    case 'rich_text_section':
      return children();
    case 'rich_text_list':
      return list(elements.map((child) => renderRichText(child, depth + 1)));
    case 'rich_text_quote':
      return quote(children());
    case 'rich_text_preformatted':
      return codeBlock(children().text);
    case 'link':
      return style(link(stringIn(element, 'url') ?? '', stringIn(element, 'text')), element);
    case 'user':
      return plain(`@${stringIn(element, 'user_id') ?? 'user'}`);
    case 'channel':
      return plain(`#${stringIn(element, 'channel_id') ?? 'channel'}`);
    case 'broadcast':
      return plain(`@${stringIn(element, 'range') ?? 'here'}`);
    case 'emoji':
      return plain(readEmoji(element));
    default:
      return style(plain(stringIn(element, 'text') ?? stringIn(element, 'fallback') ?? ''), element);
  }
}

function style(content: Rich, element: JsonObject): Rich {
  const wanted = objectIn(element, 'style');
  let styled = wanted?.['code'] === true ? code(content.text) : content;
  if (wanted?.['bold'] === true) styled = bold(styled);
  if (wanted?.['italic'] === true) styled = italic(styled);
  return wanted?.['strike'] === true ? struck(styled) : styled;
}

/** `unicode` holds code points in hexadecimal, joined by hyphens. */
function readEmoji(element: JsonObject): string {
  const points =
    stringIn(element, 'unicode')
      ?.split('-')
      .map((point) => Number.parseInt(point, 16)) ?? [];
  const isReadable = points.length > 0 && points.every((point) => point > 0 && point <= 0x10ffff);
  return isReadable ? String.fromCodePoint(...points) : `:${stringIn(element, 'name') ?? 'emoji'}:`;
}

function renderTable(block: JsonObject): Rich {
  const rows = Array.isArray(block['rows']) ? block['rows'].filter((row) => Array.isArray(row)) : [];
  const cells = rows.map((row) => row.map((cell) => (isJsonObject(cell) ? renderCell(cell) : '')).join(' | '));
  return codeBlock(cells.join('\n'));
}

function renderCell(cell: JsonObject): string {
  if (stringIn(cell, 'type') === 'rich_text') return lines(...objectsIn(cell, 'elements').map((child) => renderRichText(child, 0))).text;
  return stringIn(cell, 'text') ?? '';
}
