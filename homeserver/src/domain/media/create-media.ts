import type { Media, MediaDeps } from './media.ts';
import { createOpenMedia } from './open-media.ts';
import { createMakeThumbnails } from './thumbnails.ts';
import { createUploads } from './upload-media.ts';

/** https://spec.matrix.org/latest/client-server-api/#content-repository */
export function createMedia(deps: MediaDeps): Media {
  const uploads = createUploads(deps);
  const openMedia = createOpenMedia({ ...deps, uploaded: uploads.uploaded });
  const thumbnail = createMakeThumbnails({ ...deps, openMedia });
  return {
    maxUploadBytes: deps.maxUploadBytes,
    upload: uploads.upload,
    announce: uploads.announce,
    fill: uploads.fill,
    keepPreviewImage: uploads.keepPreviewImage,
    open: async (origin, mediaId, options) => openMedia.describe(await openMedia.load(origin, mediaId, options)),
    thumbnail,
  };
}
