import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob, compileLiteral, MAX_GLOB_LENGTH, matchesGlob } from '../../src/push-rules/match-glob.ts';

/** By definition: try every split. Exponential, so only for short texts. */
function matchesByDefinition(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text === '';
  if (first === '*') return [...text, ''].some((_, at) => matchesByDefinition(rest.join(''), [...text].slice(at).join('')));
  const [head, ...tail] = text;
  return head !== undefined && (first === '?' || first === head) && matchesByDefinition(rest.join(''), tail.join(''));
}

describe('a glob against a whole text', () => {
  test.each([
    ['lunc?*', 'Lunch plans', true],
    ['lunc?*', 'LUNCH', true],
    ['lunc?*', ' lunch', false],
    ['lunc?*', 'lunc', false],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['?', '', false],
    ['?', '😀', true],
    ['*.example.org', 'evil.example.org', true],
    ['*.example.org', 'example.org', false],
    ['a.c', 'abc', false],
    ['a*b*c', 'a-b-b-c', true],
    ['**a**', 'bab', true],
  ])('%j and %j: %j', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  test('agrees with the definition', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 }).map((parts) => parts.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        expect(matchesGlob(glob, subject)).toBe(matchesByDefinition(glob, subject));
      }),
      { numRuns: 2_000 },
    );
  });

  test('patterns longer than one machine word match, at every length around the word', () => {
    for (const length of [30, 31, 32, 33, 63, 64, 65, 200]) {
      const text = 'ab'.repeat(length).slice(0, length);
      expect(matchesGlob(text.replace(/.$/, '?'), text)).toBe(true);
      expect(matchesGlob(`${text}*`, `${text}tail`)).toBe(true);
      expect(matchesGlob(`${text.slice(0, -1)}?`, `${text}a`)).toBe(false);
    }
  });
});

describe('a glob against the words of a text', () => {
  test.each([
    ['ex*ple', 'An example event.', true],
    ['ex*ple', 'exple', true],
    ['ex*ple', 'An exciting triple-whammy', true],
    ['cake', 'cakes', false],
    ['cake', 'pancake', false],
    ['cake', 'Cake!', true],
    ['cake', 'no_cake', false],
    ['cake', 'überraschungé cake', true],
    ['@room', 'hello @room', true],
    ['@room', 'hello@room', true],
    ['@room', '@rooms', false],
    ['ca?e', 'a case', true],
    ['*', '', true],
  ])('%j in %j: %j', (pattern, text, expected) => {
    expect(compileGlob(pattern).matchesWords(text)).toBe(expected);
  });

  test('a literal gives wildcards no meaning', () => {
    expect(compileLiteral('*star*').matchesWords('I am *Star* today')).toBe(true);
    expect(compileLiteral('*star*').matchesWords('I am a star today')).toBe(false);
  });
});

test('a body made to hurt costs steps in proportion to its length', () => {
  const pattern = `${'a*'.repeat(MAX_GLOB_LENGTH / 2 - 1)}b?`;
  const glob = compileGlob(pattern);
  const time = (text: string): number => {
    const start = performance.now();
    expect(glob.matches(text)).toBe(false);
    expect(glob.matchesWords(text)).toBe(false);
    return performance.now() - start;
  };
  time('a'.repeat(1_000));
  expect(time('a'.repeat(60_000))).toBeLessThan(5_000);
  expect(compileGlob('a'.repeat(MAX_GLOB_LENGTH + 1)).matches('a'.repeat(MAX_GLOB_LENGTH + 1))).toBe(false);
});
