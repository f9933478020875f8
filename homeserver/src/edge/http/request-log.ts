import type { Context, Middleware } from 'koa';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { labelsOf } from './dispatch.ts';

/** A request that takes longer is worth a line at the usual level; long polls are slow by design. */
const SLOW_MS = 5_000;
const SLOW_BY_DESIGN: ReadonlySet<string> = new Set(['sync', 'events', 'slidingSync', 'finalSlidingSync']);
const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Told of each request that was answered: by which operation, with what status. */
export type OnAnswer = (answered: { operation: string; path: string; status: number }) => void;

/** Counts and times every request by its operation, and logs it without its query, which may hold a token. */
export function createRequestLog(logger: Logger, metrics: Metrics, onAnswer?: OnAnswer): Middleware {
  const duration = metrics.histogram('http_request_seconds', 'Time from request to answer', {
    labels: ['operation', 'method', 'status'],
    buckets: BUCKETS_S,
  });
  return async (ctx, next) => {
    const startedAt = performance.now();
    const labels = labelsOf(ctx);
    labels.operation = 'other';
    try {
      await next();
    } finally {
      const tookMs = performance.now() - startedAt;
      duration.observe({ operation: labels.operation, method: ctx.method, status: String(ctx.res.statusCode) }, tookMs / 1000);
      writeLine(ctx, tookMs);
      onAnswer?.({ operation: labels.operation, path: ctx.path, status: ctx.res.statusCode });
    }
  };

  function writeLine(ctx: Context, tookMs: number): void {
    const { operation, requester } = labelsOf(ctx);
    const slow = tookMs > SLOW_MS && !SLOW_BY_DESIGN.has(operation);
    const level = slow ? 'info' : 'debug';
    if (!logger.isLevelEnabled(level)) return;
    const line = { method: ctx.method, path: ctx.path, operation, status: ctx.res.statusCode, tookMs: Math.round(tookMs), requester };
    logger[level](line, slow ? 'slow request' : 'request');
  }
}
