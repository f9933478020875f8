import { forbidden } from '../../platform/matrix-error.ts';

/** @throws M_FORBIDDEN when somebody asks for what is another's */
export function checkOwn({ userId }: { userId: string }, wanted: string): void {
  if (userId !== wanted) throw forbidden(`You are ${userId} and cannot do this for ${wanted}`);
}
