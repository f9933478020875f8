import type { Database } from '../../storage/database.ts';
import { type DirectoryScope, searchUserDirectory } from '../../storage/user-directory.ts';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 50;
const MAX_TERM_LENGTH = 100;

export type FoundUser = { userId: string; displayName: string | undefined; avatarUrl: string | undefined };

/** Finds people by a part of their name or user id. */
export type SearchUsers = (
  user: { userNid: number },
  term: string,
  limit: number | undefined,
) => Promise<{ users: FoundUser[]; isLimited: boolean }>;

/** https://spec.matrix.org/latest/client-server-api/#user-directory */
export function createSearchUsers({ database, scope }: { database: Database; scope: DirectoryScope }): SearchUsers {
  return async function searchUsers({ userNid }, term, limit = DEFAULT_LIMIT) {
    const size = Math.max(1, Math.min(limit, MAX_LIMIT));
    const wanted = term.trim().slice(0, MAX_TERM_LENGTH);
    if (wanted === '') return { users: [], isLimited: false };
    const rows = await searchUserDirectory(database.sql, userNid, { term: wanted.replaceAll('\0', ''), limit: size + 1, scope });
    const users = rows.slice(0, size).map(({ userId, displayName, avatarUrl }) => ({
      userId,
      displayName: displayName ?? undefined,
      avatarUrl: avatarUrl ?? undefined,
    }));
    return { users, isLimited: rows.length > size };
  };
}
