const NAMESPACED_ID = /^[a-z][a-z0-9._-]{0,254}$/;

/**
 * Whether the text follows the common grammar of identifiers such as `m.login.password` or `com.example.thing`.
 *
 * https://spec.matrix.org/latest/appendices/#common-namespaced-identifier-grammar
 */
export function isNamespacedId(text: string): boolean {
  return NAMESPACED_ID.test(text);
}
