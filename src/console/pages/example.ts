import type { FunctionRow } from '../../client/resources/functions.ts'
import { call } from '../api.ts'
import { bytesOf, deployPackage, makePackage } from '../packages.ts'
import type { Example } from './function-templates.ts'

/** Creates everything in an example under the given name, and returns its function. */
export async function makeExample(
  { name: usual, functions }: Example,
  files: Record<string, string>,
  { name, runtime }: { name: string; runtime: string },
): Promise<FunctionRow> {
  const zip = makePackage(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, bytesOf(text)])))
  const renamed: Example['functions'] = JSON.parse(JSON.stringify(functions).replaceAll(usual, name))
  let made: FunctionRow | undefined
  for (const fn of renamed) {
    const query = new URLSearchParams({ ...fn.query, name: fn.name, runtime })
    const row = await deployPackage(`/v1/functions?${query}`, zip)
    if (fn.name === name) made = row
    await makeTriggers(row, fn)
  }
  return made as FunctionRow
}

async function makeTriggers(
  { id, name }: FunctionRow,
  { jobs, webhooks }: Example['functions'][number],
): Promise<void> {
  try {
    for (const job of jobs) await call('POST', '/v1/jobs', { ...job, function_id: id })
    for (const webhook of webhooks) await call('POST', '/v1/webhooks', { ...webhook, function_id: id })
  } catch (error) {
    throw new Error(`The function ${name} was created, but not its triggers: ${(error as Error).message}`)
  }
}
