import { Parser } from 'htmlparser2';

const MAX_TAGS = 100;
const MAX_VALUE_LENGTH = 1_000;
const MAX_DESCRIPTION_LENGTH = 500;
/** Text of a page is read until there is enough for a description. */
const MAX_TEXT_LENGTH = 2_000;
/** Elements whose text nobody reads on the page. */
const UNREAD: ReadonlySet<string> = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'head',
  'header',
  'nav',
  'footer',
  'aside',
  'button',
  'form',
  'select',
  'textarea',
]);

/** What a page says of itself. */
export type Page = {
  /** `og:…` properties, the first of each name. */
  openGraph: Map<string, string>;
  /** `name` or `property` of other meta tags. */
  meta: Map<string, string>;
  title: string;
  /** The first lines of its text. */
  text: string;
  /** An image that stands for the page without being named by OpenGraph, as written. */
  image: string | undefined;
  baseHref: string | undefined;
  /** Where its oEmbed description is, as written. */
  oEmbedHref: string | undefined;
};

/** Reads a page as it streams by: no tree is built, so that neither depth nor size costs more than their bytes. */
export function readPage(html: string): Page {
  const page: Page = {
    openGraph: new Map(),
    meta: new Map(),
    title: '',
    text: '',
    image: undefined,
    baseHref: undefined,
    oEmbedHref: undefined,
  };
  let unread = 0;
  let isInTitle = false;
  let isTitleRead = false;

  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        if (UNREAD.has(name)) unread += 1;
        if (name === 'title') isInTitle = !isTitleRead;
        if (name === 'meta') noteMeta(page, attributes);
        if (name === 'link') noteLink(page, attributes);
        if (name === 'base') page.baseHref ??= attributes['href'];
      },
      ontext: (text) => {
        if (isInTitle) page.title = (page.title + text).slice(0, MAX_VALUE_LENGTH);
        else if (unread === 0 && page.text.length < MAX_TEXT_LENGTH) page.text = (page.text + text).slice(0, MAX_TEXT_LENGTH);
      },
      onclosetag: (name) => {
        if (UNREAD.has(name)) unread = Math.max(0, unread - 1);
        if (name === 'title') {
          isTitleRead ||= isInTitle;
          isInTitle = false;
        }
        if (unread === 0 && page.text.length < MAX_TEXT_LENGTH) page.text += '\n';
      },
    },
    { lowerCaseTags: true, lowerCaseAttributeNames: true, decodeEntities: true, recognizeSelfClosing: false },
  );
  parser.write(html);
  parser.end();
  page.title = tidy(page.title);
  return page;
}

/** OpenGraph, with what Twitter's cards and plain HTML say in the place of what it does not. https://ogp.me/ */
export function describePage(page: Page): Map<string, string> {
  const found = new Map(page.openGraph);
  const fill = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '' && !found.has(name)) found.set(name, value);
  };
  const { meta } = page;
  fill('og:title', meta.get('twitter:title'));
  fill('og:title', page.title);
  fill('og:description', meta.get('twitter:description'));
  fill('og:description', meta.get('description'));
  fill('og:description', summary(page.text));
  fill('og:image', found.get('og:image:secure_url'));
  fill('og:image', found.get('og:image:url'));
  fill('og:image', meta.get('twitter:image'));
  fill('og:image', meta.get('twitter:image:src'));
  fill('og:image', meta.get('image'));
  fill('og:image', page.image);
  fill('og:site_name', meta.get('application-name'));
  return found;
}

function noteMeta(page: Page, attributes: Record<string, string>): void {
  const name = (attributes['property'] ?? attributes['name'] ?? attributes['itemprop'] ?? '').trim().toLowerCase();
  const value = tidy(attributes['content'] ?? '');
  const into = name.startsWith('og:') ? page.openGraph : page.meta;
  if (name === '' || value === '' || into.has(name) || into.size >= MAX_TAGS || name.length > MAX_VALUE_LENGTH) return;
  into.set(name, value);
}

function noteLink(page: Page, attributes: Record<string, string>): void {
  const relations = (attributes['rel'] ?? '').toLowerCase().split(/\s+/);
  if (relations.includes('image_src')) page.image ??= attributes['href'];
  const type = (attributes['type'] ?? '').toLowerCase();
  if (relations.includes('alternate') && type === 'application/json+oembed') page.oEmbedHref ??= attributes['href'];
}

/** One line, without what no text should hold. */
export function tidy(text: string): string {
  return text
    .replace(/[\s\0-\x1f]+/g, ' ')
    .trim()
    .slice(0, MAX_VALUE_LENGTH)
    .toWellFormed();
}

/** The first lines of a text that are more than a caption. */
function summary(text: string): string {
  const lines = text
    .split('\n')
    .map(tidy)
    .filter((line) => line !== '');
  let found = '';
  for (const line of lines) {
    if (found.length + line.length > MAX_DESCRIPTION_LENGTH) return found === '' ? `${line.slice(0, MAX_DESCRIPTION_LENGTH - 1)}…` : found;
    found = found === '' ? line : `${found}\n${line}`;
  }
  return found;
}
