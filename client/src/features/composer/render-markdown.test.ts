import { expect, test } from 'vitest';
import { renderMarkdown } from './render-markdown.ts';

test('plain text, line breaks and bare addresses bring no HTML', () => {
  expect(renderMarkdown('But soft!\nWhat light?')).toBeUndefined();
  expect(renderMarkdown('see https://example.org/a')).toBeUndefined();
  expect(renderMarkdown('1 < 2 & 3 > 2')).toBeUndefined();
});

test('formatting becomes HTML, one paragraph without its tags', () => {
  expect(renderMarkdown('**bold** and `code`')).toBe('<strong>bold</strong> and <code>code</code>');
  expect(renderMarkdown('- a\n- b')).toBe('<ul>\n<li>a</li>\n<li>b</li>\n</ul>');
});

test('raw HTML and pictures stay text', () => {
  expect(renderMarkdown('**x** <script>alert(1)</script>')).toBe('<strong>x</strong> &lt;script&gt;alert(1)&lt;/script&gt;');
  expect(renderMarkdown('![a](https://example.org/a.png) *b*')).not.toContain('<img');
});

test('a dangerous link is not made', () => {
  expect(renderMarkdown('[x](javascript:alert(1)) *b*')).not.toContain('href');
});
