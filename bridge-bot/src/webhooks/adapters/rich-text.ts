import { escapeHtml } from '../../sdk/message-text.ts';

/** A piece of a message, as text and as HTML of the same. HTML comes from these functions only, so what senders write cannot become markup. */
export type Rich = { text: string; html: string };

const SAFE_LINK = /^(?:https?|mailto):/i;
/** Matrix events hold 65,536 bytes, encrypted and encoded; a message stays well below in both forms. */
export const MAX_TEXT_CHARACTERS = 12_000;

export function plain(text: string): Rich {
  return { text, html: escapeHtml(text).replaceAll('\n', '<br>') };
}

export function bold(content: Rich | string): Rich {
  const { text, html } = rich(content);
  return { text, html: `<strong>${html}</strong>` };
}

export function italic(content: Rich | string): Rich {
  const { text, html } = rich(content);
  return { text, html: `<em>${html}</em>` };
}

export function struck(content: Rich | string): Rich {
  const { text, html } = rich(content);
  return { text, html: `<del>${html}</del>` };
}

export function code(text: string): Rich {
  return { text: `\`${text}\``, html: `<code>${escapeHtml(text)}</code>` };
}

export function codeBlock(text: string): Rich {
  return { text: `\`\`\`\n${text}\n\`\`\``, html: `<pre><code>${escapeHtml(text)}</code></pre>` };
}

/** A link; only the label where the address is none that a reader should follow (`javascript:`). */
export function link(url: string, label: Rich | string = url): Rich {
  const { text, html } = rich(label);
  if (!SAFE_LINK.test(url) || !URL.canParse(url)) return { text, html };
  return { text: text === url ? url : `${text} (${url})`, html: `<a href="${escapeHtml(url)}">${html}</a>` };
}

export function quote(content: Rich | string): Rich {
  const { text, html } = rich(content);
  return { text: text.replace(/^/gm, '> '), html: `<blockquote>${html}</blockquote>` };
}

export function join(parts: readonly (Rich | string | undefined)[], separator: Rich | string = ''): Rich {
  const kept = parts.filter((part) => part !== undefined).map(rich);
  const between = rich(separator);
  return { text: kept.map(({ text }) => text).join(between.text), html: kept.map(({ html }) => html).join(between.html) };
}

export function lines(...parts: readonly (Rich | string | undefined)[]): Rich {
  const kept = parts
    .filter((part) => part !== undefined)
    .map(rich)
    .filter(({ text }) => text !== '');
  return join(kept, { text: '\n', html: '<br>' });
}

/** A list, one entry a line. */
export function list(entries: readonly (Rich | string)[]): Rich {
  const items = entries.map(rich);
  if (items.length === 0) return plain('');
  return {
    text: items.map(({ text }) => `• ${text}`).join('\n'),
    html: `<ul>${items.map(({ html }) => `<li>${html}</li>`).join('')}</ul>`,
  };
}

/** Shortens a text to so many characters, whole code points only. */
export function cut(text: string, characters: number): string {
  const points = [...text];
  return points.length <= characters ? text : `${points.slice(0, characters - 1).join('')}…`;
}

export function rich(content: Rich | string): Rich {
  return typeof content === 'string' ? plain(content) : content;
}
