import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Small data of an installation in JSON files beside the databases. */

/** `none` when there is no file. Throws an Error with a sentence when the file is invalid. */
export function readJson<T>(file: string, none: T): T {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none
    throw error
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${file} is not valid JSON: repair it, or delete it and enter its contents again.`, { cause })
  }
}

/** Writes atomically; readable by the owner only. */
export function writeJson(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}
