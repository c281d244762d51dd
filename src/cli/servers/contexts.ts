import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../../folder.ts'
import { CliError } from '../command.ts'

/** The servers that this command line knows, in a file that only its owner can read. */

export interface Context {
  url: string
  token: string | null
}

export interface Contexts {
  /** The default context; absent: the server of this machine. */
  current?: string
  contexts: Record<string, Context>
}

const fileOf = (configDir: string): string => join(configDir, 'contexts.json')

/** Empty when there is no file. Throws CliError when the file is invalid. */
export function readContexts(configDir: string): Contexts {
  const file = fileOf(configDir)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} }
    throw error
  }
  try {
    const { current, contexts } = JSON.parse(text)
    return { current, contexts: contexts ?? {} }
  } catch {
    throw new CliError(`${file} is not valid JSON: repair it, or delete it and add the contexts again.`, 'usage')
  }
}

/** Writes atomically. */
export function writeContexts(configDir: string, contexts: Contexts): void {
  makeFolder(configDir, 0o700)
  const file = fileOf(configDir)
  writeFileSync(`${file}.new`, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
