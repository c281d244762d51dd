import { describe } from 'vitest'
import { describeWithDocker } from './docker-gate.ts'
import type { EngineName } from './server-process.ts'

/** The engines that whole servers are tested with. Python may be missing on a machine; in the images it is not. */
export const engines: {
  engine: EngineName
  run: (name: string, tests: () => void) => void
  languages: string[]
}[] = [
  { engine: 'process', run: describe, languages: ['nodejs'] },
  { engine: 'docker', run: describeWithDocker, languages: ['nodejs', 'python3'] },
]
