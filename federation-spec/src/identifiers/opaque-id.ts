const OPAQUE_ID = /^[0-9A-Za-z._~-]{1,255}$/;

/**
 * Whether the text follows the grammar of identifiers that nobody takes apart, such as transaction and session ids.
 *
 * https://spec.matrix.org/latest/appendices/#opaque-identifiers
 */
export function isOpaqueId(text: string): boolean {
  return OPAQUE_ID.test(text);
}
