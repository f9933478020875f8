import type { Readable } from 'node:stream';
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

/** What is smaller goes in one request; S3 refuses smaller parts, but for the last. */
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
    put: (key, stream) => putInParts(client, bucket, key, stream),
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

/**
 * Small objects go in one request, large ones in parts as they arrive, one part in memory at a time. When the stream breaks, the parts are
 * given up: the object appears whole or not at all.
 */
async function putInParts(client: Client, bucket: string, key: string, stream: Readable): Promise<void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let uploadId: string | undefined;
  const parts: { part: number; etag: string }[] = [];

  async function sendPart(): Promise<void> {
    uploadId ??= await client.initiateNewMultipartUpload(bucket, key, {});
    const partNumber = parts.length + 1;
    const payload = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    const headers = { 'Content-Length': payload.length };
    const { etag } = await client.uploadPart({ bucketName: bucket, objectName: key, uploadID: uploadId, partNumber, headers }, payload);
    parts.push({ part: partNumber, etag });
  }

  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes >= PART_BYTES) await sendPart();
    }
    if (uploadId === undefined) {
      await client.putObject(bucket, key, Buffer.concat(held), heldBytes);
      return;
    }
    if (heldBytes > 0) await sendPart();
    await client.completeMultipartUpload(bucket, key, uploadId, parts);
  } catch (error) {
    // What broke first is told; parts that cannot be given up now are left to the bucket's own rules for unfinished uploads.
    if (uploadId !== undefined) await client.abortMultipartUpload(bucket, key, uploadId).catch(() => undefined);
    throw error;
  }
}

function connect(url: string, credentials: { accessKey: string; secretKey: string; region?: string }): Client {
  const { hostname, port, protocol } = new URL(url);
  const useSSL = protocol === 'https:';
  return new Client({
    endPoint: hostname,
    port: port === '' ? (useSSL ? 443 : 80) : Number(port),
    useSSL,
    pathStyle: true,
    ...credentials,
  });
}
