import { Type } from 'typebox';
import { mapOf } from './json.ts';

/** By signer (a user id or a server name), then by key id. https://spec.matrix.org/latest/appendices/#signing-json */
export const SignaturesSchema = mapOf(mapOf(Type.String()));
