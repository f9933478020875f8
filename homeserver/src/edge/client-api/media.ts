import * as api from 'federation-spec/api/client/media.ts';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import type { Media, OpenedMedia, UploadDescription } from '../../domain/media/media.ts';
import { notFound } from '../../platform/matrix-error.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type RawResponse, type Route, raw, route } from '../http/route.ts';
import { mediaHeaders } from './media-headers.ts';

type ThumbnailQuery = { width: string; height: string; method?: 'crop' | 'scale'; animated?: string };

/** https://spec.matrix.org/latest/client-server-api/#content-repository */
export function mediaRoutes(media: Media): Route[] {
  const config = { 'm.upload.size': media.maxUploadBytes };
  const thumbnail = async ({ serverName, mediaId }: { serverName: string; mediaId: string }, query: ThumbnailQuery) => {
    const wish = {
      width: readInteger(query.width) ?? 0,
      height: readInteger(query.height) ?? 0,
      method: query.method ?? 'scale',
      isAnimated: readBoolean(query.animated) ?? false,
    } as const;
    return send(await media.thumbnail(serverName, mediaId, wish, { isRemoteAllowed: true }));
  };

  return [
    route(api.getConfigAuthed, async () => config),
    route(api.getConfig, async () => config),

    route(api.uploadContent, async ({ query, requester, request }) => ({
      content_uri: await media.upload(requester.userNid, request.stream, describe(request, query.filename)),
    })),
    route(api.createContent, async ({ requester }) => {
      const { uri, expiresAt } = await media.announce(requester.userNid);
      return { content_uri: uri, unused_expires_at: expiresAt };
    }),
    route(api.uploadContentToMXC, async ({ params, query, requester, request }) => {
      const place = { origin: params.serverName, mediaId: params.mediaId };
      await media.fill(requester.userNid, place, request.stream, describe(request, query.filename));
      return {};
    }),

    route(api.getContentAuthed, async ({ params }) => send(await media.open(params.serverName, params.mediaId, { isRemoteAllowed: true }))),
    route(api.getContentOverrideNameAuthed, async ({ params }) => {
      const opened = await media.open(params.serverName, params.mediaId, { isRemoteAllowed: true });
      return send({ ...opened, fileName: params.fileName });
    }),
    route(api.getContentThumbnailAuthed, async ({ params, query }) => thumbnail(params, query)),

    // Frozen: they serve what was uploaded before downloads asked for a token, and this server has no such media.
    route(api.getContent, refuseFrozen),
    route(api.getContentOverrideName, refuseFrozen),
    route(api.getContentThumbnail, refuseFrozen),
  ];
}

async function refuseFrozen(): Promise<never> {
  throw notFound('Media of this server is served below /_matrix/client/v1/media, with an access token.');
}

function describe(request: HttpRequest, fileName: string | undefined): UploadDescription {
  return { contentType: request.headers['content-type'], fileName, length: request.contentLength };
}

/** A file as an answer. */
export function send({ stream, bytes, contentType, fileName }: OpenedMedia): RawResponse {
  return raw({ headers: mediaHeaders(contentType, fileName), stream, length: bytes });
}
