import { getUrlPreview, getUrlPreviewAuthed } from 'federation-spec/api/client/media.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { PreviewUrl } from '../../domain/media/previews/preview-url.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediapreview_url */
export function urlPreviewRoutes(previewUrl: PreviewUrl): Route[] {
  return [
    route(getUrlPreviewAuthed, async ({ query }) => await previewUrl(query.url, readInteger(query.ts))),
    route(getUrlPreview, async ({ query }) => await previewUrl(query.url, readInteger(query.ts))),
  ];
}
