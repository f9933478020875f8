/** Further keys of an error's JSON body, such as `retry_after_ms` or `soft_logout`. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/**
 * A refusal that is told to whoever asked. Anything else that is thrown is a bug or the network, and is told as `M_UNKNOWN`.
 * https://spec.matrix.org/latest/client-server-api/#standard-error-response
 */
export class MatrixError extends Error {
  override readonly name = 'MatrixError';
  readonly status: number;
  readonly errcode: string;
  readonly fields: ErrorFields;

  constructor(status: number, errcode: string, message: string, fields: ErrorFields = {}) {
    super(message);
    this.status = status;
    this.errcode = errcode;
    this.fields = fields;
  }
}

/** For the one answer that has an error's status and is none: the question for further proof. */
export const NO_ERRCODE = '';

/** The JSON body of a standard error response. */
export function errorBody(error: MatrixError): Record<string, unknown> {
  if (error.errcode === NO_ERRCODE) return { ...error.fields };
  return { ...error.fields, errcode: error.errcode, error: error.message };
}

export function matrixError(status: number, errcode: string, message: string, fields?: ErrorFields): MatrixError {
  return new MatrixError(status, errcode, message, fields);
}

export const forbidden = (message: string) => new MatrixError(403, 'M_FORBIDDEN', message);
export const notFound = (message: string) => new MatrixError(404, 'M_NOT_FOUND', message);
/** The server does not serve this path. */
export const unrecognizedPath = () => new MatrixError(404, 'M_UNRECOGNIZED', 'Unrecognized request: this server does not serve this path');
/** The path names no rule, kind or attribute of push rules. */
export const unrecognizedPushRule = () => new MatrixError(400, 'M_UNRECOGNIZED', 'Unrecognized request: the path names no push rule');
/** The server serves this path, but not by this method. */
export const unrecognizedMethod = (method: string) =>
  new MatrixError(405, 'M_UNRECOGNIZED', `Unrecognized request: this path is not served by ${method}`);

export const notJson = (message: string) => new MatrixError(400, 'M_NOT_JSON', message);
export const badJson = (message: string) => new MatrixError(400, 'M_BAD_JSON', message);
export const missingParam = (message: string) => new MatrixError(400, 'M_MISSING_PARAM', message);
export const invalidParam = (message: string) => new MatrixError(400, 'M_INVALID_PARAM', message);
export const tooLarge = (message: string) => new MatrixError(413, 'M_TOO_LARGE', message);
/** A bad request that no other code names. */
export const unknown = (message: string) => new MatrixError(400, 'M_UNKNOWN', message);

export const missingToken = () => new MatrixError(401, 'M_MISSING_TOKEN', 'Missing access token');
/** `softLogout`: the client may log in again and keep its device. */
export const unknownToken = (message = 'Unknown access token', softLogout = false) =>
  new MatrixError(401, 'M_UNKNOWN_TOKEN', message, softLogout ? { soft_logout: true } : {});
export const unauthorized = (message: string) => new MatrixError(401, 'M_UNAUTHORIZED', message);
export const guestAccessForbidden = (message = 'Guests may not do this') => new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', message);
export const userDeactivated = () => new MatrixError(403, 'M_USER_DEACTIVATED', 'This account has been deactivated');
export const userLocked = () => new MatrixError(401, 'M_USER_LOCKED', 'This account has been locked', { soft_logout: true });
export const userSuspended = () => new MatrixError(403, 'M_USER_SUSPENDED', 'This account is suspended and may only read');
export const unknownDevice = (message: string) => new MatrixError(400, 'M_UNKNOWN_DEVICE', message);

/** The edge adds the `Retry-After` header from `retry_after_ms`. */
export const limitExceeded = (retryAfterMs: number) =>
  new MatrixError(429, 'M_LIMIT_EXCEEDED', `Too many requests; try again in ${Math.ceil(retryAfterMs / 1000)} s`, {
    retry_after_ms: Math.ceil(retryAfterMs),
  });
export const resourceLimitExceeded = (message: string, adminContact: string | undefined) =>
  new MatrixError(403, 'M_RESOURCE_LIMIT_EXCEEDED', message, adminContact === undefined ? {} : { admin_contact: adminContact });

export const userInUse = (message = 'This user name is taken') => new MatrixError(400, 'M_USER_IN_USE', message);
export const invalidUsername = (message: string) => new MatrixError(400, 'M_INVALID_USERNAME', message);
export const exclusive = (message: string) => new MatrixError(400, 'M_EXCLUSIVE', message);
export const weakPassword = (message: string) => new MatrixError(400, 'M_WEAK_PASSWORD', message);

export const roomInUse = (message: string) => new MatrixError(400, 'M_ROOM_IN_USE', message);
export const duplicateAnnotation = () =>
  new MatrixError(400, 'M_DUPLICATE_ANNOTATION', 'You have already reacted to this event in this way.');
export const badState = (message: string) => new MatrixError(403, 'M_BAD_STATE', message);
export const invalidRoomState = (message: string) => new MatrixError(400, 'M_INVALID_ROOM_STATE', message);
export const unsupportedRoomVersion = (message: string) => new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', message);
export const incompatibleRoomVersion = (roomVersion: string) =>
  new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', `Room version ${roomVersion} is not supported`, { room_version: roomVersion });
export const unableToAuthoriseJoin = (message: string) => new MatrixError(400, 'M_UNABLE_TO_AUTHORISE_JOIN', message);
/** This server has joined the room and does not know all of its members yet. https://github.com/matrix-org/matrix-spec-proposals/pull/3895 */
export const unableDueToPartialState = (status: 403 | 404) =>
  new MatrixError(
    status,
    'M_UNABLE_DUE_TO_PARTIAL_STATE',
    'This server has not yet fetched all of the room’s state; ask another server of the room',
  );
export const unableToGrantJoin = (message: string) => new MatrixError(400, 'M_UNABLE_TO_GRANT_JOIN', message);

export const threepidInUse = (message: string) => new MatrixError(400, 'M_THREEPID_IN_USE', message);
export const threepidAuthFailed = (message: string) => new MatrixError(400, 'M_THREEPID_AUTH_FAILED', message);

/** Another server, or a service behind us, did not answer as it should; its own words are not passed on. */
export const badGateway = (message: string) => new MatrixError(502, 'M_UNKNOWN', message);
export const unavailable = (message: string) => new MatrixError(503, 'M_UNKNOWN', message);
