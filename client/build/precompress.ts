import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const COMPRESSED_TYPES = /\.(?:html|js|css|svg|json|wasm|webmanifest|txt)$/;
/** Below this a compressed copy saves nothing worth a file. */
const MIN_BYTES = 1_024;
/** Brotli's best level takes most of a minute on the crypto wasm; one below it gives the same size within 3 % in seconds. */
const BROTLI_LARGE_QUALITY = 9;
const LARGE_BYTES = 2 * 1_024 * 1_024;

const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

/** Writes `.br` and `.gz` beside what was built, so that the server never compresses a file twice. */
export function precompress(): Plugin {
  let outDir = 'dist';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
    },
    async writeBundle() {
      const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
      for (const entry of entries) {
        if (entry.isFile() && COMPRESSED_TYPES.test(entry.name)) await compressFile(join(entry.parentPath, entry.name));
      }
    },
  };
}

async function compressFile(path: string): Promise<void> {
  const bytes = await readFile(path);
  if (bytes.length < MIN_BYTES) return;
  const quality = bytes.length > LARGE_BYTES ? BROTLI_LARGE_QUALITY : constants.BROTLI_MAX_QUALITY;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const [smallest, portable] = await Promise.all([brotli(bytes, { params }), gzipped(bytes, { level: 9 })]);
  await Promise.all([writeFile(`${path}.br`, smallest), writeFile(`${path}.gz`, portable)]);
}
