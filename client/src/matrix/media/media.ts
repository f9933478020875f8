import type { MediaSource } from './media-source.ts';

export type UploadOptions = {
  /** 0 to 1, as the bytes leave. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
  fileName?: string;
};

/** Up- and download of files. Downloads are authenticated, decrypted, and kept in memory for a while. */
export type Media = {
  /** Uploads as is; the `mxc:` address of it. */
  upload(blob: Blob, options?: UploadOptions): Promise<string>;
  /** Encrypts, then uploads. */
  uploadEncrypted(blob: Blob, options?: UploadOptions): Promise<MediaSource>;
  /** The file's bytes, decrypted and checked against their hash. `mimeType` types the blob of an encrypted file. */
  download(source: MediaSource, options?: { mimeType?: string | undefined; signal?: AbortSignal }): Promise<Blob>;
  /** A thumbnail made by the server (of files in the clear only). */
  thumbnail(mxcUrl: string, options: { widthPx: number; heightPx: number; method?: 'crop' | 'scale'; signal?: AbortSignal }): Promise<Blob>;
  /** The largest file the server takes, in bytes. */
  maxUploadBytes(): Promise<number | undefined>;
};
