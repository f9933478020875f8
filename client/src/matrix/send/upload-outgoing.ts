import type { JsonObject } from '../json.ts';
import { objectIn } from '../json.ts';
import type { Media } from '../media/media.ts';
import type { MediaSource } from '../media/media-source.ts';
import type { OutgoingItem } from './outgoing-item.ts';

/** The share of an upload's progress that its thumbnail makes. */
const THUMBNAIL_SHARE = 0.1;

type Options = {
  item: OutgoingItem;
  isEncrypted: boolean;
  media: Media;
  signal: AbortSignal;
  onProgress: (fraction: number) => void;
};

/** Uploads an item's thumbnail and file, encrypted where the room is; the content that names them. */
export async function uploadOutgoing({ item, isEncrypted, media, signal, onProgress }: Options): Promise<JsonObject> {
  const { media: file, content } = item;
  if (file === undefined) return content;

  async function upload(blob: Blob, fileName: string, report: (fraction: number) => void): Promise<MediaSource> {
    if (isEncrypted) return await media.uploadEncrypted(blob, { signal, onProgress: report });
    return { encrypted: false, url: await media.upload(blob, { signal, onProgress: report, fileName }) };
  }

  const info: JsonObject = { ...objectIn(content, 'info') };
  const start = file.thumbnail === undefined ? 0 : THUMBNAIL_SHARE;
  if (file.thumbnail !== undefined) {
    const thumbnail = await upload(typed(file.thumbnail.blob, file.thumbnail.mimeType), 'thumbnail', (part) => onProgress(part * start));
    Object.assign(info, thumbnail.encrypted ? { thumbnail_file: { ...thumbnail.file } } : { thumbnail_url: thumbnail.url });
  }
  const source = await upload(typed(file.blob, file.mimeType), file.fileName, (part) => onProgress(start + part * (1 - start)));
  return { ...content, info, ...(source.encrypted ? { file: { ...source.file } } : { url: source.url }) };
}

function typed(blob: Blob, mimeType: string): Blob {
  return blob.type === mimeType ? blob : blob.slice(0, blob.size, mimeType);
}
