import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

/** Folders with the code of functions, gone when the file of tests is over. */
export function packageFolders(): (files: Record<string, string>, packages?: string[]) => string {
  const root = mkdtempSync(join(tmpdir(), 'taibai-packages-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  return (files, packages = []) => {
    const folder = mkdtempSync(join(root, 'package-'))
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
    }
    for (const name of packages) bring(folder, name)
    return folder
  }
}

const installed = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** A real package from npm among the function's own; what it needs it finds where it really lies. */
function bring(folder: string, name: string): void {
  const at = join(folder, 'node_modules', name)
  mkdirSync(dirname(at), { recursive: true })
  symlinkSync(join(installed, name), at)
}
