import { forbidden } from '../../platform/matrix-error.ts';
import type { Requester } from './requester.ts';

/** Throws M_FORBIDDEN unless an admin of this server asks. */
export function checkAdmin({ isAdmin }: Requester): void {
  if (!isAdmin) throw forbidden('Only an admin of this server may do this.');
}
