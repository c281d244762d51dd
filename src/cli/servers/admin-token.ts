import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The admin token of a data folder's server. Null before its first start, in open mode, and where this user may not read it. */
export function adminTokenIn(dataDir: string): string | null {
  try {
    return readFileSync(join(dataDir, 'admin.token'), 'utf8').trim()
  } catch {
    return null
  }
}
