import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readVectors } from '../../federation-spec/test/kit/read-vectors.ts';
import { RULE_VECTOR_FILES } from '../../federation-spec/test/kit/rule-vector-cases.ts';
import { VECTOR_FILES } from '../../federation-spec/test/kit/vector-cases.ts';
import { openBrowser, type TestBrowser } from './kit/open-browser.ts';

const ENTRY = fileURLToPath(new URL('kit/run-vectors.ts', import.meta.url));

let browser: TestBrowser;
let page: Page;

beforeAll(async () => {
  const script = await bundle(ENTRY);
  browser = await openBrowser();
  page = await browser.openPage('about:blank');
  await page.addScriptTag({ content: script });
});

afterAll(async () => {
  expect(browser.errors).toEqual([]);
  await browser[Symbol.asyncDispose]();
});

describe.each([...VECTOR_FILES, ...RULE_VECTOR_FILES])('%s', (name) => {
  test('says the same in Chromium, on the crypto of browsers', async () => {
    const outcomes = await page.evaluate(([name, file]) => runVectors(name, file), [name, readVectors(name)] as const);
    expect(outcomes.length).toBeGreaterThan(0);
    for (const { shows, actual, expected } of outcomes) expect(actual, shows).toEqual(expected);
  });
});

/** One script for a page, from what packages say under the `browser` condition. Modules of Node are empty in it, so its crypto would fail. */
async function bundle(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, target: 'es2022', rolldownOptions: { input: entry, output: { format: 'iife' } } },
  });
  const [output] = [built].flat().flatMap((each) => ('output' in each ? each.output : []));
  if (output === undefined || output.type !== 'chunk') throw new Error('Vite made no script');
  return output.code;
}
