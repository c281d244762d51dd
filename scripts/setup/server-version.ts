// Tells whether a running server is still the one that the sources describe.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashFolder } from '../../src/assets.ts'
import { PROJECT_FOLDER, RUNTIMES_FOLDER } from './project.ts'

/** Changes with everything that a running server would have to be restarted for: its source, its packages, its engine. */
export function serverVersion(engine: string): string {
  const sources = [join(PROJECT_FOLDER, 'src'), RUNTIMES_FOLDER].map(hashFolder)
  const packages = readFileSync(join(PROJECT_FOLDER, 'package-lock.json'), 'utf8')
  return createHash('sha256')
    .update([engine, ...sources, packages].join('\n'))
    .digest('hex')
}
