import { Client } from 'minio';
import type { ObjectStore } from './object-store.ts';

export type S3Options = { url: string; bucket: string; accessKey: string; secretKey: string };

/** S3 refuses parts smaller than this, but for the last. */
const PART_BYTES = 5 * 1024 * 1024;

/** Objects in a bucket of MinIO or any S3, which is made when it is not there. */
export async function createS3Store({ url, bucket, accessKey, secretKey }: S3Options): Promise<ObjectStore> {
  const { hostname, port, protocol } = new URL(url);
  const useSSL = protocol === 'https:';
  const client = new Client({
    endPoint: hostname,
    port: port === '' ? (useSSL ? 443 : 80) : Number(port),
    useSSL,
    accessKey,
    secretKey,
    pathStyle: true,
    partSize: PART_BYTES,
  });
  if (!(await client.bucketExists(bucket))) await client.makeBucket(bucket);

  return {
    put: async (key, stream) => void (await client.putObject(bucket, key, stream)),
    open: async (key) => {
      try {
        return await client.getObject(bucket, key);
      } catch (error) {
        if (error instanceof Error && 'code' in error && (error.code === 'NoSuchKey' || error.code === 'NotFound')) return undefined;
        throw error;
      }
    },
    delete: (key) => client.removeObject(bucket, key),
  };
}
