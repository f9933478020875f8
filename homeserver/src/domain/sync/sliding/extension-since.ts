import { invalidParam } from '../../../platform/matrix-error.ts';

const TOKEN = /^\d{1,16}$/;

/** The place up to which a client has what an extension brings, by the token that it gave. Throws M_INVALID_PARAM for what is no token of this log. */
export function readExtensionSince(extension: string, since: string | undefined, position: number): number | undefined {
  if (since === undefined || since === '') return undefined;
  if (!TOKEN.test(since) || Number(since) > position)
    throw invalidParam(`extensions.${extension}.since is no token of this server; start again without one.`);
  return Number(since);
}
