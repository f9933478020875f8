import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectDatabase } from '../../src/storage/database.ts';
import { startEmbeddedPostgres } from '../../src/storage/embedded-postgres.ts';
import { startServerProcess } from '../kit/start-server-process.ts';
import { callServer } from '../kit/test-user.ts';

const health = (url: string) => callServer(url, 'GET', '/health');

test('a homeserver that was killed leaves PostgreSQL running, and the next one goes on with it', async () => {
  await using server = await startServerProcess({ embedded: true });
  const pidFile = join(server.dataDir, 'postgres', 'postmaster.pid');
  const before = (await readFile(pidFile, 'utf8')).split('\n')[0];

  await server.end('SIGKILL');
  await server.start();

  await expect(health(server.url)).resolves.toMatchObject({ status: 200 });
  expect((await readFile(pidFile, 'utf8')).split('\n')[0]).toBe(before);
});

test('a homeserver that was told to stop stops its PostgreSQL too, within 10 s', async () => {
  await using server = await startServerProcess({ embedded: true });
  const toldAt = Date.now();
  await expect(server.end('SIGTERM')).resolves.toBe(0);
  expect(Date.now() - toldAt).toBeLessThan(10_000);
  await expect(stat(join(server.dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow();
});

test('a second homeserver on the same data is refused and harms nobody', async () => {
  await using server = await startServerProcess({ embedded: true });
  await expect(startServerProcess({ env: { BLINKCHAT_DATA_DIR: server.dataDir, DATABASE_URL: '' } })).rejects.toThrow(
    'Another BlinkChat homeserver is running on this database',
  );
  await expect(health(server.url)).resolves.toMatchObject({ status: 200 });
});

test('the next homeserver waits for the one before it to end', async () => {
  await using server = await startServerProcess({ embedded: true });
  const ended = server.end('SIGTERM');
  await using next = await startServerProcess({ env: { BLINKCHAT_DATA_DIR: server.dataDir, DATABASE_URL: '' } });
  await expect(ended).resolves.toBe(0);
  await expect(health(next.url)).resolves.toMatchObject({ status: 200 });
});

test('a server name does not change', async () => {
  await using server = await startServerProcess({ embedded: true });
  await server.end('SIGTERM');
  await expect(
    startServerProcess({ env: { BLINKCHAT_DATA_DIR: server.dataDir, DATABASE_URL: '', BLINKCHAT_SERVER_NAME: 'other.test' } }),
  ).rejects.toThrow('This database belongs to the server hs.test');
});

test('a pid file that names another program is not believed', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'bct-data-'));
  await chmod(dataDir, 0o711);
  const first = await startEmbeddedPostgres({ dataDir });
  await first.stop();
  await writeFile(join(first.clusterDir, 'postmaster.pid'), `${process.pid}\n`);

  const second = await startEmbeddedPostgres({ dataDir });
  expect(second.adopted).toBe(false);
  const database = connectDatabase(second.address);
  await expect(database.sql`select 1 as one`).resolves.toEqual([{ one: 1 }]);
  await database.close();
  await second.stop();
  await rm(dataDir, { recursive: true, force: true });
});
