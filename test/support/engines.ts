import { describe } from 'vitest'
import type { EngineName } from './server-process.ts'

/** The engines that whole servers are tested with. */
export const engines: {
  engine: EngineName
  run: (name: string, tests: () => void) => void
  languages: string[]
}[] = [
  { engine: 'process', run: describe, languages: ['nodejs'] },
  { engine: 'docker', run: describe, languages: ['nodejs', 'python3'] },
]
