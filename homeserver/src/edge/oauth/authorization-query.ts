import { authorize } from 'federation-spec/api/oauth/authorization-server.ts';
import type { AuthorizationQuery } from '../../domain/accounts/oauth/authorizations.ts';

/** The query of an authorization as it came: whatever stands there more than once is a list. */
type GivenQuery = Readonly<Record<string, unknown>>;

/**
 * By the rules that OAuth 2.0 has for it: a parameter without a value counts as left out, which stand there more than once is told, and
 * what we do not know is passed over. https://www.rfc-editor.org/rfc/rfc6749#section-3.1
 */
export function readAuthorizationQuery(given: GivenQuery): AuthorizationQuery {
  const query: Record<string, string> = {};
  const repeated: string[] = [];
  for (const name of Object.keys(authorize.query.properties)) {
    const value = given[name];
    if (Array.isArray(value)) repeated.push(name);
    else if (typeof value === 'string' && value !== '') query[name] = value;
  }
  return { ...query, repeated };
}
