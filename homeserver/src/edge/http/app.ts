import type Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import type { Logger } from '../../platform/logger.ts';
import { unrecognizedPath } from '../../platform/matrix-error.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { corsHeadersOf, isCrossOriginPath } from './cors.ts';
import { createDispatch, type DispatchDeps, isApiPath, labelsOf } from './dispatch.ts';
import { answerError } from './errors.ts';
import { createRequestLog, type OnAnswer } from './request-log.ts';
import { API_CONTENT_SECURITY_POLICY, SECURITY_HEADERS } from './security-headers.ts';

export type AppDeps = DispatchDeps & {
  /** Everything that is not an endpoint: health, well-known, the web app. */
  pages: readonly Router[];
  logger: Logger;
  metrics: Metrics;
  onAnswer?: OnAnswer | undefined;
};

/** The Koa application: what every request passes through, in this order. */
export function createApp({ pages, logger, metrics, onAnswer, ...dispatch }: AppDeps): Koa {
  const app = new Koa();
  app.on('error', (error) => logger.error({ err: error }, 'a response failed'));
  app.use(createRequestLog(logger, metrics, onAnswer));
  app.use(translateErrors(logger));
  app.use(setCommonHeaders);
  app.use(createDispatch(dispatch));
  for (const page of pages) app.use(page.routes());
  app.use(() => {
    throw unrecognizedPath();
  });
  return app;
}

function translateErrors(logger: Logger): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const { operation, requester } = labelsOf(ctx);
      const { status, headers, body } = answerError(error, logger, { method: ctx.method, path: ctx.path, operation, requester });
      if (ctx.headerSent) return; // half a response went out: the listener cut it off
      ctx.respond = true;
      ctx.set(headers);
      ctx.status = status;
      ctx.body = body;
    }
  };
}

/** https://spec.matrix.org/latest/client-server-api/#web-browser-clients: a preflight is answered before anything else is looked at. */
const setCommonHeaders: Middleware = async (ctx, next) => {
  ctx.set(SECURITY_HEADERS);
  if (isApiPath(ctx.path)) ctx.set('Content-Security-Policy', API_CONTENT_SECURITY_POLICY);
  if (isCrossOriginPath(ctx.path)) {
    ctx.set(corsHeadersOf(ctx.path));
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      return;
    }
  }
  await next();
};
