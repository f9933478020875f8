import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { badJson, invalidParam, type MatrixError, missingParam } from '../../platform/matrix-error.ts';

/** Checks the parts of a request against an endpoint's schemas; throws what is told to the client. */
export type RequestValidator = {
  params(value: unknown): void;
  query(value: unknown): void;
  body(value: unknown): void;
  /** What is wrong with a JSON answer of ours, if anything. */
  findResponseFault(value: unknown): string | undefined;
};

/** Schemas are compiled when an endpoint is first called: most endpoints of most servers never are in the first minute. */
export function createRequestValidator({ params, query, body, response }: Endpoint): RequestValidator {
  return {
    params: lazily(params, (fault) => invalidParam(`Path parameter ${fault.where}: ${fault.what}`)),
    query: lazily(query, (fault) =>
      fault.missing === undefined
        ? invalidParam(`Query parameter ${fault.where}: ${fault.what}`)
        : missingParam(`Missing query parameter ${fault.missing}`),
    ),
    body: body === 'raw' ? () => undefined : lazily(body, describeBodyFault),
    findResponseFault: response === 'raw' ? () => undefined : findFaultLazily(response),
  };
}

type Fault = { where: string; what: string; missing: string | undefined; atTop: boolean };

/** A key that is missing at the top has a code of its own; everything else about a body is `M_BAD_JSON`. */
function describeBodyFault(fault: Fault): MatrixError {
  if (fault.missing !== undefined && fault.atTop) return missingParam(`Missing key ${fault.missing}`);
  if (fault.missing !== undefined) return badJson(`Missing key ${fault.missing} in ${fault.where}`);
  return badJson(`${fault.where === '' ? 'The body' : fault.where} ${fault.what}`);
}

function lazily(schema: TSchema, describe: (fault: Fault) => MatrixError): (value: unknown) => void {
  let validator: Validator | undefined;
  return (value) => {
    validator ??= Compile(schema);
    if (!validator.Check(value)) throw describe(firstFault(validator, value));
  };
}

function findFaultLazily(schema: TSchema): (value: unknown) => string | undefined {
  let validator: Validator | undefined;
  return (value) => {
    validator ??= Compile(schema);
    if (validator.Check(value)) return undefined;
    const { where, what, missing } = firstFault(validator, value);
    return missing === undefined ? `${where} ${what}` : `${where} lacks ${missing}`;
  };
}

function firstFault(validator: Validator, value: unknown): Fault {
  const [error] = validator.Errors(value);
  const where = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const missing = error?.keyword === 'required' ? error.params.requiredProperties[0] : undefined;
  return { where, what: error?.message ?? 'is not what this endpoint takes', missing, atTop: where === '' };
}
