export type TextPart = { text: string; href: string | undefined };

const LINK = /\bhttps?:\/\/[^\s<>"']+/gi;
/** Marks that end a sentence rather than an address. */
const TRAILING = /[.,;:!?)\]}]+$/;

/** Cuts plain text into stretches of text and web addresses. A closing bracket belongs to the address when it opens in it. */
export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const href = trimLink(match[0]);
    if (match.index > end) parts.push({ text: text.slice(end, match.index), href: undefined });
    parts.push({ text: href, href });
    end = match.index + href.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: undefined });
  return parts;
}

function trimLink(link: string): string {
  const trailing = TRAILING.exec(link)?.[0] ?? '';
  if (trailing.startsWith(')') && link.includes('(')) return link.slice(0, link.length - trailing.length + 1);
  return link.slice(0, link.length - trailing.length);
}
