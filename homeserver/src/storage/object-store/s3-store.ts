import { Client } from 'minio';
import type { ObjectStore } from './object-store.ts';

export type S3Options = {
  url: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
  /** Where clients reach the same store; without it no addresses are given out. */
  publicUrl: string | undefined;
};

/** S3 refuses parts smaller than this, but for the last. */
const PART_BYTES = 5 * 1024 * 1024;
/** How long an address that was given out is good. */
const LINK_GOOD_FOR_S = 300;
/** Signing an address must not ask the public side where the bucket is. */
const REGION = 'us-east-1';

/** Objects in a bucket of MinIO or any S3, which is made when it is not there. */
export async function createS3Store({ url, bucket, accessKey, secretKey, publicUrl }: S3Options): Promise<ObjectStore> {
  const client = connect(url, { accessKey, secretKey });
  if (!(await client.bucketExists(bucket))) await client.makeBucket(bucket);
  const publicClient = publicUrl === undefined ? undefined : connect(publicUrl, { accessKey, secretKey, region: REGION });

  const store: ObjectStore = {
    put: async (key, stream) => void (await client.putObject(bucket, key, stream)),
    open: async (key, range) => {
      try {
        if (range === undefined) return await client.getObject(bucket, key);
        return await client.getPartialObject(bucket, key, range.first, range.last - range.first + 1);
      } catch (error) {
        if (error instanceof Error && 'code' in error && (error.code === 'NoSuchKey' || error.code === 'NotFound')) return undefined;
        throw error;
      }
    },
    delete: (key) => client.removeObject(bucket, key),
  };
  if (publicClient === undefined) return store;
  const link: ObjectStore['link'] = (key, { contentType, contentDisposition }) =>
    publicClient.presignedGetObject(bucket, key, LINK_GOOD_FOR_S, {
      'response-content-type': contentType,
      'response-content-disposition': contentDisposition,
    });
  return { ...store, link };
}

function connect(url: string, credentials: { accessKey: string; secretKey: string; region?: string }): Client {
  const { hostname, port, protocol } = new URL(url);
  const useSSL = protocol === 'https:';
  return new Client({
    endPoint: hostname,
    port: port === '' ? (useSSL ? 443 : 80) : Number(port),
    useSSL,
    pathStyle: true,
    partSize: PART_BYTES,
    ...credentials,
  });
}
