import { existsSync } from 'node:fs'
import { chmod, link, lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Recreates the tree with hard links to its files; existing files stay. */
export async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    const there = await lstat(target).catch(() => null)
    if (entry.isDirectory()) {
      if (there === null || there.isDirectory()) await linkTree(source, target)
    } else if (there === null) {
      if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
      else await link(source, target)
    }
  }
}

/** Removes write permission from all its folders. */
export async function closeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await closeTree(join(folder, entry.name))
  }
  await chmod(folder, 0o555)
}

/** Users other than root must make closed folders writable first. */
export async function removeTree(path: string): Promise<void> {
  await makeWritable(path)
  await rm(path, { recursive: true, force: true })
}

async function makeWritable(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
  }
}
