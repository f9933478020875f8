// Node runs the TypeScript by stripping its types, and knows less new syntax than the test runner and the compiler (`using`, for one).
import { readdir, readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { SourceTextModule } from 'node:vm';
import { ROOT } from './bootstrap/paths.mjs';

/** What Node itself runs; the rest of the client is built by Vite. */
const FOLDERS = [
  'federation-spec/src',
  'homeserver/src',
  'homeserver/test/kit',
  'homeserver/bench',
  'client/src/matrix',
  'bridge-bot/src',
  'bridge-bot/examples',
];

process.removeAllListeners('warning');
let failures = 0;
for (const folder of FOLDERS) {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts') || entry.name.endsWith('.d.ts')) continue;
    const file = join(entry.parentPath, entry.name);
    try {
      new SourceTextModule(stripTypeScriptTypes(await readFile(file, 'utf8')), { identifier: file });
    } catch (error) {
      failures += 1;
      console.log(`  ${file.slice(ROOT.length + 1)}: ${error.message}\n${String(error.stack).split('\n').slice(0, 4).join('\n')}`);
    }
  }
}
process.exit(failures === 0 ? 0 : 1);
