import MarkdownIt from 'markdown-it';

/** No raw HTML (what people type is text), line breaks kept, addresses linked. */
const markdown = new MarkdownIt({ html: false, breaks: true, linkify: true }).disable(['image']);

/** The HTML of what was typed, or nothing when it has no formatting and the plain text says it all. */
export function renderMarkdown(text: string): string | undefined {
  const html = markdown.render(text).trim();
  const single = /^<p>([\s\S]*)<\/p>$/.exec(html)?.[1];
  const isOneParagraph = single !== undefined && !single.includes('<p>');
  if (isOneParagraph && !hasMarkup(single)) return undefined;
  return isOneParagraph ? single : html;
}

/** Line breaks and bare links need no HTML: every client shows them in plain text. */
function hasMarkup(html: string): boolean {
  return html
    .replaceAll('<br>', '')
    .replaceAll(/<a href="([^"]*)">([^<]*)<\/a>/g, (whole, href: string, shown: string) => (href.endsWith(shown) ? '' : whole))
    .includes('<');
}
