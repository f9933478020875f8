import sparticuz from '@sparticuz/chromium';
import { type Browser, chromium, type Page } from 'playwright-core';

const VIEWPORT = { width: 1280, height: 800 };

export type TestBrowser = AsyncDisposable & {
  /** A window with a storage of its own, as another person's browser would have. */
  openPage(url: string): Promise<Page>;
  /** Errors that any page threw and did not catch. */
  errors: readonly string[];
};

/**
 * A real Chromium, from the npm package that carries one. Its own list of arguments turns off the web's security for the sake of
 * a cloud function; ours keeps it on, so that CORS and the content security policy are what people meet.
 */
export async function openBrowser(): Promise<TestBrowser> {
  const executablePath = process.env['BLINKCHAT_CHROMIUM'] ?? (await sparticuz.executablePath());
  const browser: Browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  });
  const errors: string[] = [];

  async function openPage(url: string): Promise<Page> {
    const context = await browser.newContext({ viewport: VIEWPORT, locale: 'en-GB' });
    const page = await context.newPage();
    if (process.env['BLINKCHAT_SCREENSHOTS'] !== undefined) page.on('console', (message) => console.info(page.url(), message.text()));
    page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
    await page.goto(url);
    return page;
  }

  /** Leaves a picture of what each page showed last, when asked to: the quickest way to see why a scene failed. */
  async function close(): Promise<void> {
    const folder = process.env['BLINKCHAT_SCREENSHOTS'];
    const pages = folder === undefined ? [] : browser.contexts().flatMap((context) => context.pages());
    await Promise.all(pages.map((page) => page.screenshot({ path: `${folder}/${new URL(page.url()).port}.png` })));
    await browser.close();
  }

  return { openPage, errors, [Symbol.asyncDispose]: close };
}
