import type { FunctionFields } from '../../client/resources/functions.ts'
import type { DevFunction, Project } from './project.ts'

export interface Debugging {
  addresses: { name: string; address: string }[]
  override(fn: DevFunction): FunctionFields
}

export const noDebugging: Debugging = { addresses: [], override: () => ({}) }

export function debuggingOf(_project: Project, _inspect: string | true, _folder: string): Debugging {
  return noDebugging
}
