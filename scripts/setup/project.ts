// Where this project lies.
import { join } from 'node:path'

export const PROJECT_FOLDER = join(import.meta.dirname, '..', '..')
export const RUNTIMES_FOLDER = join(PROJECT_FOLDER, 'runtimes')
