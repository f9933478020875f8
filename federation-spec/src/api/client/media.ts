import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ContentUriSchema, ServerNameSchema } from '../schemas/ids.ts';
import { EmptySchema, JsonObjectSchema } from '../schemas/json.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';

/** OpenGraph data of a page; the image is already in our media repository. */
const UrlPreviewSchema = Type.Intersect([
  Type.Object({ 'matrix:image:size': Type.Optional(Type.Integer()), 'og:image': Type.Optional(ContentUriSchema) }),
  JsonObjectSchema,
]);

const MediaConfigSchema = Type.Object({ 'm.upload.size': Type.Optional(Type.Integer()) });
const MediaParamsSchema = Type.Object({ serverName: ServerNameSchema, mediaId: Type.String() });
const NamedMediaParamsSchema = Type.Object({ ...MediaParamsSchema.properties, fileName: Type.String() });

/** Milliseconds to wait for media whose upload was announced but is not there yet. */
const WaitSchema = Type.Object({ timeout_ms: Type.Optional(QueryCountSchema) });
const ThumbnailQuerySchema = Type.Object({
  ...WaitSchema.properties,
  width: QueryCountSchema,
  height: QueryCountSchema,
  method: Type.Optional(Type.Enum(['crop', 'scale'])),
  animated: Type.Optional(QueryBooleanSchema),
});

/** What the endpoints that need no token have been asked beside. */
const LegacyQuerySchema = Type.Object({
  ...WaitSchema.properties,
  allow_remote: Type.Optional(QueryBooleanSchema),
  allow_redirect: Type.Optional(QueryBooleanSchema),
});

/**
 * Get the configuration for the content repository.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediaconfig
 */
export const getConfigAuthed = endpoint({
  id: 'getConfigAuthed',
  method: 'GET',
  path: '/_matrix/client/v1/media/config',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3916/media/config'],
  auth: 'access-token',
  response: MediaConfigSchema,
  since: 'v1.11',
});

/**
 * Download content from the content repository.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid
 */
export const getContentAuthed = endpoint({
  id: 'getContentAuthed',
  method: 'GET',
  path: '/_matrix/client/v1/media/download/:serverName/:mediaId',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3916/media/download/:serverName/:mediaId'],
  auth: 'access-token',
  guests: true,
  params: MediaParamsSchema,
  query: WaitSchema,
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'media',
  since: 'v1.11',
});

/**
 * Download content from the content repository overriding the file name.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediadownloadservernamemediaidfilename
 */
export const getContentOverrideNameAuthed = endpoint({
  id: 'getContentOverrideNameAuthed',
  method: 'GET',
  path: '/_matrix/client/v1/media/download/:serverName/:mediaId/:fileName',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3916/media/download/:serverName/:mediaId/:fileName'],
  auth: 'access-token',
  guests: true,
  params: NamedMediaParamsSchema,
  query: WaitSchema,
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'media',
  since: 'v1.11',
});

/** Get information about a URL for a client. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediapreview_url */
export const getUrlPreviewAuthed = endpoint({
  id: 'getUrlPreviewAuthed',
  method: 'GET',
  path: '/_matrix/client/v1/media/preview_url',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3916/media/preview_url'],
  auth: 'access-token',
  query: Type.Object({ url: Type.String(), ts: Type.Optional(QueryCountSchema) }),
  response: UrlPreviewSchema,
  rateLimit: 'preview',
  since: 'v1.11',
});

/**
 * Download a thumbnail of content from the content repository.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid
 */
export const getContentThumbnailAuthed = endpoint({
  id: 'getContentThumbnailAuthed',
  method: 'GET',
  path: '/_matrix/client/v1/media/thumbnail/:serverName/:mediaId',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3916/media/thumbnail/:serverName/:mediaId'],
  auth: 'access-token',
  guests: true,
  params: MediaParamsSchema,
  query: ThumbnailQuerySchema,
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'media',
  since: 'v1.11',
});

/**
 * Create a new `mxc://` URI without uploading the content.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixmediav1create
 */
export const createContent = endpoint({
  id: 'createContent',
  method: 'POST',
  path: '/_matrix/media/v1/create',
  alsoAt: ['/_matrix/media/unstable/fi.mau.msc2246/create'],
  auth: 'access-token',
  response: Type.Object({ content_uri: ContentUriSchema, unused_expires_at: Type.Optional(Type.Integer()) }),
  errors: ['M_FORBIDDEN'],
  rateLimit: 'media',
  since: 'v1.7',
});

/** Get the configuration for the content repository. https://spec.matrix.org/latest/client-server-api/#get_matrixmediav3config */
export const getConfig = endpoint({
  id: 'getConfig',
  method: 'GET',
  path: '/_matrix/media/v3/config',
  alsoAt: ['/_matrix/media/v1/config'],
  auth: 'access-token',
  response: MediaConfigSchema,
  deprecated: true,
});

/**
 * Download content from the content repository.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixmediav3downloadservernamemediaid
 */
export const getContent = endpoint({
  id: 'getContent',
  method: 'GET',
  path: '/_matrix/media/v3/download/:serverName/:mediaId',
  alsoAt: ['/_matrix/media/v1/download/:serverName/:mediaId'],
  auth: 'optional-access-token',
  guests: true,
  params: MediaParamsSchema,
  query: LegacyQuerySchema,
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'media',
  deprecated: true,
});

/**
 * Download content from the content repository overriding the file name.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixmediav3downloadservernamemediaidfilename
 */
export const getContentOverrideName = endpoint({
  id: 'getContentOverrideName',
  method: 'GET',
  path: '/_matrix/media/v3/download/:serverName/:mediaId/:fileName',
  alsoAt: ['/_matrix/media/v1/download/:serverName/:mediaId/:fileName'],
  auth: 'optional-access-token',
  guests: true,
  params: NamedMediaParamsSchema,
  query: LegacyQuerySchema,
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'media',
  deprecated: true,
});

/** Get information about a URL for a client. https://spec.matrix.org/latest/client-server-api/#get_matrixmediav3preview_url */
export const getUrlPreview = endpoint({
  id: 'getUrlPreview',
  method: 'GET',
  path: '/_matrix/media/v3/preview_url',
  alsoAt: ['/_matrix/media/v1/preview_url'],
  auth: 'access-token',
  query: Type.Object({ url: Type.String(), ts: Type.Optional(QueryCountSchema) }),
  response: UrlPreviewSchema,
  rateLimit: 'preview',
  deprecated: true,
});

/**
 * Download a thumbnail of content from the content repository.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixmediav3thumbnailservernamemediaid
 */
export const getContentThumbnail = endpoint({
  id: 'getContentThumbnail',
  method: 'GET',
  path: '/_matrix/media/v3/thumbnail/:serverName/:mediaId',
  alsoAt: ['/_matrix/media/v1/thumbnail/:serverName/:mediaId'],
  auth: 'optional-access-token',
  guests: true,
  params: MediaParamsSchema,
  query: Type.Object({ ...ThumbnailQuerySchema.properties, ...LegacyQuerySchema.properties }),
  response: 'raw',
  errors: ['M_TOO_LARGE', 'M_NOT_YET_UPLOADED'],
  rateLimit: 'media',
  deprecated: true,
});

/** Upload some content to the content repository. https://spec.matrix.org/latest/client-server-api/#post_matrixmediav3upload */
export const uploadContent = endpoint({
  id: 'uploadContent',
  method: 'POST',
  path: '/_matrix/media/v3/upload',
  alsoAt: ['/_matrix/media/v1/upload'],
  auth: 'access-token',
  query: Type.Object({ filename: Type.Optional(Type.String()) }),
  body: 'raw',
  response: Type.Object({ content_uri: ContentUriSchema }),
  errors: ['M_FORBIDDEN', 'M_TOO_LARGE'],
  rateLimit: 'media',
});

/**
 * Upload content to an `mxc://` URI that was created earlier.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixmediav3uploadservernamemediaid
 */
export const uploadContentToMXC = endpoint({
  id: 'uploadContentToMXC',
  method: 'PUT',
  path: '/_matrix/media/v3/upload/:serverName/:mediaId',
  alsoAt: ['/_matrix/media/v1/upload/:serverName/:mediaId', '/_matrix/media/unstable/fi.mau.msc2246/upload/:serverName/:mediaId'],
  auth: 'access-token',
  params: MediaParamsSchema,
  query: Type.Object({ filename: Type.Optional(Type.String()) }),
  body: 'raw',
  response: EmptySchema,
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND', 'M_CANNOT_OVERWRITE_MEDIA', 'M_TOO_LARGE'],
  rateLimit: 'media',
  since: 'v1.7',
});
