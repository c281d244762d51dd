import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from './server-process.ts'

/** The programmable functions of the conformance list, as source text: what they do is in runtimes/README.md. */
const source = (runtime: string, file: string): string =>
  readFileSync(join(projectFolder, 'runtimes', runtime, 'conformance', file), 'utf8')

export const fixtureActions = { nodejs: source('nodejs', 'main.mjs'), python3: source('python3', 'main.py') }
export const web = { nodejs: source('nodejs', 'web.mjs'), python3: source('python3', 'web.py') }
