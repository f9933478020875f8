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
  s3PublicUrl: string | undefined;
};

/** The bucket when S3 is set up, else a folder of the data folder. */
export async function openObjectStore(settings: Settings): Promise<ObjectStore> {
  const { dataDir, s3Url, s3Bucket, s3AccessKey, s3SecretKey, s3PublicUrl } = settings;
  if (s3Url === undefined) return createFolderStore(join(dataDir, 'media'));
  const keys = { accessKey: s3AccessKey ?? '', secretKey: s3SecretKey ?? '' };
  return await createS3Store({ url: s3Url, bucket: s3Bucket, ...keys, publicUrl: s3PublicUrl });
}
