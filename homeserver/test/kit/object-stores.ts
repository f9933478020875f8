import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createFolderStore } from '../../src/storage/object-store/folder-store.ts';
import type { ObjectStore } from '../../src/storage/object-store/object-store.ts';
import { createS3Store } from '../../src/storage/object-store/s3-store.ts';
import { freePort } from './free-port.ts';

/** An S3 on this machine. */
export type TestS3 = AsyncDisposable & {
  url: string;
  accessKey: string;
  secretKey: string;
  stop: () => Promise<void>;
  /** On the same port, with the same objects. */
  start: () => Promise<void>;
};

type S3rver = { run: () => Promise<unknown>; close: () => Promise<void> };
type S3rverOptions = { port: number; address: string; silent: boolean; directory: string };

/** s3rver, a small S3 for tests. */
export async function startS3rver(): Promise<TestS3> {
  // It has no types of its own.
  const Constructor = createRequire(import.meta.url)('s3rver') as new (options: S3rverOptions) => S3rver;
  const directory = await mkdtemp(join(tmpdir(), 'bct-s3-'));
  const port = await freePort();
  let running: S3rver | undefined;
  const start = async (): Promise<void> => {
    running = new Constructor({ port, address: '127.0.0.1', silent: true, directory });
    await running.run();
  };
  const stop = async (): Promise<void> => {
    await running?.close();
    running = undefined;
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    accessKey: 'S3RVER',
    secretKey: 'S3RVER',
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A MinIO server of this machine: the program that BLINKCHAT_TEST_MINIO names, or the one in the path. */
export function findMinio(): string | undefined {
  const places = [
    process.env['BLINKCHAT_TEST_MINIO'],
    ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'minio')),
  ];
  return places.find((place) => {
    try {
      if (place !== undefined && place !== '') accessSync(place, constants.X_OK);
      return place !== undefined && place !== '';
    } catch {
      return false;
    }
  });
}

const MINIO_READY_MS = 20_000;

export async function startMinio(program: string): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'bct-minio-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const [accessKey, secretKey] = ['blinkchat', 'blinkchat-secret'];
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(program, ['server', directory, '--address', `127.0.0.1:${port}`], {
      env: { ...process.env, MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey },
      stdio: 'ignore',
    });
    const deadline = Date.now() + MINIO_READY_MS;
    while (
      !(await fetch(`${url}/minio/health/ready`).then(
        (answer) => answer.ok,
        () => false,
      ))
    ) {
      if (Date.now() > deadline) throw new Error(`${program} was not ready within ${MINIO_READY_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const stop = async (): Promise<void> => {
    const ended = child;
    child = undefined;
    if (ended === undefined) return;
    await new Promise<void>((resolve) => {
      ended.once('exit', () => resolve());
      ended.kill('SIGTERM');
    });
  };
  await start();
  return {
    url,
    accessKey,
    secretKey,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A store to test, and what ends it. */
export type OpenedStore = AsyncDisposable & { store: ObjectStore };

export async function openFolderStore(): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'bct-objects-'));
  return { store: createFolderStore(folder), [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

export async function openS3Store(s3: TestS3): Promise<OpenedStore> {
  const store = await createS3Store({ ...s3, bucket: 'contract', publicUrl: s3.url });
  return { store, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() };
}
