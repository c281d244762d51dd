import { unzipSync } from 'fflate'
import type { FunctionFields, FunctionRow } from '../../client/resources/functions.ts'

/**
 * The fields with the usual entry, where the function's own names a module that its new package lacks, such as one that was
 * renamed back to main. An entry that the package has stays: it may be the user's.
 */
export function besideGoneEntry(fields: FunctionFields, there: FunctionRow, zip: Buffer): FunctionFields {
  const { entry, signature } = there
  const isOther = fields.entry !== undefined || (fields.signature ?? signature ?? null) !== null
  if (isOther || typeof entry !== 'string') return fields
  const names = namesIn(zip)
  const module = entry.split(/[./]/)[0] ?? ''
  const isThere = names.some((name) => name.startsWith(`${module}.`) || name.startsWith(`${module}/`))
  return isThere || !names.some((name) => usualModule.test(name)) ? fields : { ...fields, entry: 'main.main' }
}

/** In the languages whose entry is a module and its callable. */
const usualModule = /^main\.([cm]?[jt]s|py)$/

/** Without their contents. The server reports what is wrong with a ZIP. */
function namesIn(zip: Buffer): string[] {
  const names: string[] = []
  try {
    unzipSync(zip, { filter: ({ name }) => names.push(name) < 0 })
  } catch {
    return []
  }
  return names
}
