import { invalid } from '../../domain/errors.ts'
import { type SecretUse, secretNamePattern } from '../../domain/platform/secret.ts'

const mostUses = 100

/** Checks how a function refers to its secrets. */
export function checkSecretUses(uses: readonly SecretUse[]): void {
  if (uses.length > mostUses) throw invalid(`"secrets" has ${uses.length} entries; at most ${mostUses} are allowed.`)
  const places = new Set<string>()
  for (const { name, as, to } of uses) {
    if (!secretNamePattern.test(name))
      throw invalid(`"secrets" names ${JSON.stringify(name)}: no secret has that name.`)
    if (as === 'env') checkVariable(to)
    else checkFile(to)
    if (places.has(`${as} ${to}`)) throw invalid(`"secrets" puts two into ${to}: give one another place with "to".`)
    places.add(`${as} ${to}`)
  }
}

function checkVariable(name: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw invalid(
      `"secrets" puts one into the variable ${JSON.stringify(name)}: write letters, digits and "_" in "to".`,
    )
  }
  if (name.startsWith('TAIBAI_')) throw invalid(`"secrets" names ${name}: names that begin with TAIBAI_ are reserved.`)
}

function checkFile(name: string): void {
  if (/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}$/.test(name)) return
  throw invalid(`"secrets" puts one into the file ${JSON.stringify(name)}: write a name without a folder in "to".`)
}
