import * as api from 'federation-spec/api/client/media.ts';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import type { Media, OpenOptions, ThumbnailWish, UploadDescription } from '../../domain/media/media.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { type Route, route } from '../http/route.ts';
import { sendMedia } from './send-media.ts';

type ThumbnailQuery = { width: string; height: string; method?: 'crop' | 'scale'; animated?: string };
type WaitQuery = { timeout_ms?: string };
type LegacyQuery = WaitQuery & { allow_remote?: string; allow_redirect?: string };

/** https://spec.matrix.org/latest/client-server-api/#content-repository */
export function mediaRoutes(media: Media): Route[] {
  const config = { 'm.upload.size': media.maxUploadBytes };

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

    route(api.getContentAuthed, async ({ params, query, request }) => {
      const opened = await media.open(params.serverName, params.mediaId, waitFor(query, request));
      return await sendMedia(opened, { request, isRedirectAllowed: true });
    }),
    route(api.getContentOverrideNameAuthed, async ({ params, query, request }) => {
      const opened = await media.open(params.serverName, params.mediaId, waitFor(query, request));
      return await sendMedia({ ...opened, fileName: params.fileName }, { request, isRedirectAllowed: true });
    }),
    route(api.getContentThumbnailAuthed, async ({ params, query, request }) => {
      const opened = await media.thumbnail(params.serverName, params.mediaId, readWish(query), waitFor(query, request));
      return await sendMedia(opened, { request, isRedirectAllowed: true });
    }),

    ...legacyRoutes(media),
  ];
}

/** The frozen paths: a token opens everything, as clients that know no better send one; without it only what came before the freeze is served. */
function legacyRoutes(media: Media): Route[] {
  const optionsOf = (query: LegacyQuery, request: HttpRequest, requester: unknown): OpenOptions => ({
    ...waitFor(query, request),
    isRemoteAllowed: readBoolean(query.allow_remote) ?? true,
    isWithoutToken: requester === undefined,
  });
  const sending = (query: LegacyQuery, request: HttpRequest) => ({
    request,
    isRedirectAllowed: readBoolean(query.allow_redirect) ?? false,
  });

  return [
    route(api.getContent, async ({ params, query, request, maybeRequester }) => {
      const opened = await media.open(params.serverName, params.mediaId, optionsOf(query, request, maybeRequester));
      return await sendMedia(opened, sending(query, request));
    }),
    route(api.getContentOverrideName, async ({ params, query, request, maybeRequester }) => {
      const opened = await media.open(params.serverName, params.mediaId, optionsOf(query, request, maybeRequester));
      return await sendMedia({ ...opened, fileName: params.fileName }, sending(query, request));
    }),
    route(api.getContentThumbnail, async ({ params, query, request, maybeRequester }) => {
      const options = optionsOf(query, request, maybeRequester);
      return await sendMedia(await media.thumbnail(params.serverName, params.mediaId, readWish(query), options), sending(query, request));
    }),
  ];
}

/** What a query says of the wished thumbnail. */
export function readWish(query: ThumbnailQuery): ThumbnailWish {
  return {
    width: readInteger(query.width) ?? 0,
    height: readInteger(query.height) ?? 0,
    method: query.method ?? 'scale',
    isAnimated: readBoolean(query.animated) ?? false,
  };
}

function waitFor(query: WaitQuery, { signal }: HttpRequest): OpenOptions {
  return { isRemoteAllowed: true, waitMs: readInteger(query.timeout_ms), signal };
}

function describe(request: HttpRequest, fileName: string | undefined): UploadDescription {
  return { contentType: request.headers['content-type'], fileName, length: request.contentLength };
}
