import type { AliasRow } from '../../client/resources/aliases.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { TargetFields } from '../../client/resources/row.ts'

/** What a trigger runs, as a choice of a form: a function, or an alias, whose version is looked up at each run. */

export interface TargetRows {
  functions: Pick<FunctionRow, 'id' | 'name'>[]
  aliases: Pick<AliasRow, 'name' | 'function_id' | 'function_version'>[]
}

/** For forms that keep the target as it is. */
export const noTargets: TargetRows = { functions: [], aliases: [] }

const ofFunction = 'function:'
const ofAlias = 'alias:'

/** Functions first; an alias says where it points now. */
export function targetChoices({ functions, aliases }: TargetRows): [value: string, shown: string][] {
  const names = new Map(functions.map(({ id, name }) => [id, name ?? id]))
  return [
    ...functions.map(({ id, name }): [string, string] => [ofFunction + id, name ?? id]),
    ...aliases.map(({ name, function_id, function_version }): [string, string] => [
      ofAlias + name,
      `alias ${name} (${names.get(function_id) ?? function_id}:${function_version})`,
    ]),
  ]
}

/** Reads the chosen value, or the first that is shown. Throws an Error with a sentence. */
export function targetFields(chosen: string, rows: TargetRows): TargetFields {
  const value = chosen || targetChoices(rows)[0]?.[0]
  if (value === undefined) throw new Error('Create a function first: there is none to run.')
  return value.startsWith(ofAlias)
    ? { function_alias: value.slice(ofAlias.length) }
    : { function_id: value.slice(ofFunction.length) }
}
