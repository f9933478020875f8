import { defineFilter, getFilter } from 'federation-spec/api/client/filters.ts';
import type { Filters } from '../../domain/accounts/filters.ts';
import { type Route, raw, route } from '../http/route.ts';
import { checkOwn } from './check-own.ts';

/** https://spec.matrix.org/latest/client-server-api/#filtering */
export function filterRoutes(filters: Filters): Route[] {
  return [
    route(defineFilter, async ({ requester, params, body }) => {
      checkOwn(requester, params.userId);
      return { filter_id: await filters.create(requester.userNid, body) };
    }),
    route(getFilter, async ({ requester, params }) => {
      checkOwn(requester, params.userId);
      return raw({ json: await filters.load(requester.userNid, params.filterId) });
    }),
  ];
}
