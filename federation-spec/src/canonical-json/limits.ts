/** How deep arrays and objects may be nested. Nothing real comes near it, and everything that recurses stays far from the end of its stack. */
export const MAX_JSON_DEPTH = 512;
