import Router from '@koa/router';

/** `GET /health`: 200 while requests are served, 503 from the moment the process has been told to stop, so that a proxy looks elsewhere. */
export function healthPage(isStopping: () => boolean): Router {
  return new Router().get('/health', (ctx) => {
    ctx.status = isStopping() ? 503 : 200;
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { status: isStopping() ? 'stopping' : 'ok' };
  });
}
