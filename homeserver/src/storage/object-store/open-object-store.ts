import { join } from 'node:path';
import { createFolderStore } from './folder-store.ts';
import type { ObjectStore } from './object-store.ts';
import { createS3Store } from './s3-store.ts';

type Settings = {
  dataDir: string;
  s3Url: string | undefined;
  s3Bucket: string;
  s3AccessKey: string | undefined;
  s3SecretKey: string | undefined;
};

/** The bucket when S3 is set up, else a folder of the data folder. */
export async function openObjectStore({ dataDir, s3Url, s3Bucket, s3AccessKey, s3SecretKey }: Settings): Promise<ObjectStore> {
  if (s3Url === undefined) return createFolderStore(join(dataDir, 'media'));
  return await createS3Store({ url: s3Url, bucket: s3Bucket, accessKey: s3AccessKey ?? '', secretKey: s3SecretKey ?? '' });
}
