import { Ajv } from 'ajv';
import { problemLine } from './problems.ts';

/** Fills the schema's defaults into a value and gives one line for each thing that is wrong with it; none where all is right. */
export type Check = (value: unknown) => string[];

/**
 * Compiles a schema (draft-07). Beside its own keywords it may say `mustBe`: a person's words for what a pattern asks for.
 * @param formats what `format` means, by name
 * @param root what a message calls the whole document
 */
export function checker(
  schema: object,
  formats: Record<string, (text: string) => boolean> = {},
  root?: string,
): Check {
  const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true, allowUnionTypes: true });
  ajv.addVocabulary(['mustBe']);
  for (const [name, check] of Object.entries(formats)) ajv.addFormat(name, check);
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value)) return [];
    // A wrong key is told of twice: by the rule for keys, and by the pattern within that rule.
    const found = (validate.errors ?? []).filter((error) => error.propertyName === undefined);
    return [...new Set(found.map((error) => problemLine(error, root)))];
  };
}
