import createDOMPurify from 'dompurify';

/** https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes without `img`: pictures in text would load from anywhere. */
const TAGS = [
  'del',
  's',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'blockquote',
  'p',
  'a',
  'ul',
  'ol',
  'sup',
  'sub',
  'li',
  'b',
  'i',
  'u',
  'strong',
  'em',
  'code',
  'hr',
  'br',
  'div',
  'table',
  'thead',
  'tbody',
  'tr',
  'th',
  'td',
  'caption',
  'pre',
  'span',
  'details',
  'summary',
];
const ATTRIBUTES = ['href', 'start', 'class', 'data-mx-spoiler'];
const SAFE_LINK = /^(?:https?|mailto|matrix|geo|magnet):/i;
const MENTION = /^https:\/\/matrix\.to\/#\/(?:@|%40)/i;

/** An instance of its own, so that the hook below touches nothing else. */
const purifier = createDOMPurify(window);

purifier.addHook('afterSanitizeAttributes', (node) => {
  if (!(node instanceof Element)) return;
  // Only the classes that name a code block's language.
  const languages = [...node.classList].filter((name) => node.tagName === 'CODE' && name.startsWith('language-'));
  if (languages.length > 0) node.className = languages.join(' ');
  else node.removeAttribute('class');
  if (node.tagName !== 'A') return;
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer');
  if (MENTION.test(node.getAttribute('href') ?? '')) node.setAttribute('class', 'mention');
});

/** Makes a stranger's formatted message safe to show: an allow-list of tags and attributes, links that open elsewhere. */
export function sanitizeHtml(html: string): string {
  return purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: SAFE_LINK,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    FORBID_CONTENTS: ['mx-reply', 'script', 'style', 'noscript', 'iframe'],
  });
}
