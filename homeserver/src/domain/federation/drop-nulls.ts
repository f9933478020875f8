import { isJsonObject } from 'federation-spec/events/event.ts';

/**
 * An object without the properties that are null. Other servers write null for a field that the specification lets be absent, in answers
 * and in the contents of EDUs; none of those has a null that means something. Other values, and what lies deeper, stay as they are.
 */
export function dropNulls<Value>(value: Value): Value {
  if (!isJsonObject(value) || !Object.values(value).includes(null)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== null)) as Value;
}
