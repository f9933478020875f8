import type { Logger } from '../../platform/logger.ts';
import { errorBody, MatrixError } from '../../platform/matrix-error.ts';
import { ClientGone } from './request-body.ts';

/** What a client is told about something that was thrown. */
export type ErrorAnswer = { status: number; headers: Record<string, string>; body: Record<string, unknown> };

/** Translates what was thrown: a `MatrixError` is told as it is, anything else is logged and told as `M_UNKNOWN`. */
export function answerError(error: unknown, logger: Logger, context: Record<string, unknown>): ErrorAnswer {
  if (error instanceof MatrixError) {
    const retryAfterMs = error.fields['retry_after_ms'];
    const headers = typeof retryAfterMs === 'number' ? { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) } : {};
    return { status: error.status, headers, body: errorBody(error) };
  }
  if (error instanceof ClientGone) logger.debug(context, 'the client hung up');
  else logger.error({ ...context, err: error }, 'request failed');
  return { status: 500, headers: {}, body: { errcode: 'M_UNKNOWN', error: 'Internal server error' } };
}
