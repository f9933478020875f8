import { expect, test } from 'vitest';
import { splitLinks } from './split-links.ts';

const links = (text: string) =>
  splitLinks(text)
    .map((part) => part.href)
    .filter((href) => href !== undefined);

test('an address in a sentence loses the mark that ends the sentence', () => {
  expect(links('See https://example.org/a, then (https://example.org/b).')).toEqual(['https://example.org/a', 'https://example.org/b']);
});

test('a bracket that opens inside an address closes it', () => {
  expect(links('https://example.org/Verona_(city).')).toEqual(['https://example.org/Verona_(city)']);
});

test('nothing but web addresses becomes a link, and no text is lost', () => {
  const text = 'javascript:alert(1) ftp://x http://example.org end';
  expect(links(text)).toEqual(['http://example.org']);
  expect(
    splitLinks(text)
      .map((part) => part.text)
      .join(''),
  ).toBe(text);
});
