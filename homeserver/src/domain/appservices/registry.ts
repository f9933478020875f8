import { type Appservice, isReserved, isUserReservedFor, isWithin, ownsUser } from './appservice.ts';

/** The application services of this server. */
export type AppserviceRegistry = {
  list: readonly Appservice[];
  find: (id: string) => Appservice | undefined;
  findByToken: (asToken: string) => Appservice | undefined;
  /** Whether a user id is kept for some service. */
  isUserReserved: (userId: string) => boolean;
  /** Whether an alias is kept for another service than the one given, or for any. */
  isAliasReserved: (alias: string, except?: string) => boolean;
  /** The services whose namespace an alias is in. */
  listByAlias: (alias: string) => Appservice[];
  listByUser: (userId: string) => Appservice[];
};

export function createRegistry(list: readonly Appservice[]): AppserviceRegistry {
  const byId = new Map(list.map((appservice) => [appservice.id, appservice]));
  const byToken = new Map(list.map((appservice) => [appservice.asToken, appservice]));
  return {
    list,
    find: (id) => byId.get(id),
    findByToken: (asToken) => byToken.get(asToken),
    isUserReserved: (userId) => list.some((appservice) => isUserReservedFor(appservice, userId)),
    isAliasReserved: (alias, except) => list.some(({ id, namespaces }) => id !== except && isReserved(namespaces.aliases, alias)),
    listByAlias: (alias) => list.filter(({ namespaces }) => isWithin(namespaces.aliases, alias)),
    listByUser: (userId) => list.filter((appservice) => ownsUser(appservice, userId)),
  };
}
