import { ConnectionError, RequestError } from '../matrix/http/request-error.ts';

type Translate = (key: string, named?: Record<string, unknown>) => string;

/** An error in the user's words. The server's own text is used where ours would say less. */
export function explainError(error: unknown, t: Translate): string {
  if (error instanceof ConnectionError) return t('error.offline');
  if (error instanceof RequestError) {
    if (error.errcode === 'M_LIMIT_EXCEEDED') return t('error.tooMany');
    if (error.errcode === 'M_TOO_LARGE') return t('error.tooLarge');
    if (error.errcode === 'M_NOT_FOUND') return t('error.notFound');
    if (error.errcode === 'M_FORBIDDEN' && error.message === '') return t('error.forbidden');
  }
  return t('error.generic', { message: error instanceof Error ? error.message : String(error) });
}
