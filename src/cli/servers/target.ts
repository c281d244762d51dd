import type { Client } from '../../client/client.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { TargetFields } from '../../client/resources/row.ts'
import { CliError, usageError } from '../command.ts'

/** `greet`, `greet:3` or `greet@live`. */
export interface TargetText {
  name: string
  version?: number
  alias?: string
}

/** Throws CliError for other texts. */
export function parseTarget(text: string): TargetText {
  const found = /^([^:@]+)(?::(\d+)|@(.+))?$/.exec(text)
  if (found === null) {
    throw usageError(`"${text}" names no function: write its name, name:version or name@alias.`)
  }
  const [, name = '', version, alias] = found
  return { name, ...(version !== undefined && { version: Number(version) }), ...(alias !== undefined && { alias }) }
}

/** The fields of an execution, a job or a webhook. */
export function targetFields(text: string): TargetFields {
  const { name, version, alias } = parseTarget(text)
  if (alias !== undefined) return { function_alias: alias }
  return { function_id: name, ...(version !== undefined && { function_version: version }) }
}

/** Finds a function by name or id; throws CliError when there is none. */
export async function findFunction(client: Client, name: string): Promise<FunctionRow> {
  try {
    return await client.functions.get(name)
  } catch (error) {
    if ((error as { status?: number }).status !== 404) throw error
    throw new CliError(`There is no function "${name}" here; "taibai list" shows all.`, 'notFound')
  }
}

/** Names of functions by id, for rows that contain only the id. */
export async function functionNames(client: Client): Promise<(id: string | null) => string> {
  const names = new Map((await client.functions.list()).map(({ id, name }) => [id, name ?? id]))
  return (id) => (id === null ? '–' : (names.get(id) ?? id))
}

/** The rows with the function's name in place of its id. */
export async function withNames<Row extends { function_id: string | null }>(
  client: Client,
  rows: Row[],
): Promise<Row[]> {
  if (rows.length === 0) return rows
  const nameOf = await functionNames(client)
  return rows.map((row) => ({ ...row, function_id: nameOf(row.function_id) }))
}
