import { listRuleVectorCases, RULE_VECTOR_FILES } from '../../../federation-spec/test/kit/rule-vector-cases.ts';
import { listVectorCases, VECTOR_FILES } from '../../../federation-spec/test/kit/vector-cases.ts';

export type VectorOutcome = { shows: string; actual: unknown; expected: unknown };

declare global {
  /** Runs the cases of one parsed vector file, in the page this script was added to. */
  var runVectors: (name: string, file: unknown) => Promise<VectorOutcome[]>;
}

globalThis.runVectors = async (name, file) => {
  const outcomes: VectorOutcome[] = [];
  for (const { shows, run } of listCases(name, file)) outcomes.push({ shows, ...(await run()) });
  return outcomes;
};

function listCases(name: string, file: unknown) {
  if (RULE_VECTOR_FILES.includes(name)) return listRuleVectorCases(name, file);
  const known = VECTOR_FILES.find((each) => each === name);
  if (known === undefined) throw new Error(`No vectors are called ${name}`);
  return listVectorCases(known, file);
}
