import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is now, in light and dark. */
export async function listViolations(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axeSource);
    const ids = await page.evaluate<string[], string[]>(
      async (tags) => (await Reflect.get(window, 'axe').run(document, { runOnly: tags })).violations.map(({ id }: { id: string }) => id),
      RULES,
    );
    found.push(...ids.map((id) => `${colorScheme} ${id}`));
  }
  return found;
}
