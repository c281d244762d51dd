import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What travels with the program beside its code: the folders of the runtimes. */

/** Deployed or run by tests, never copied into an image: changing them makes no other image. */
const notInTheImage = new Set(['template', 'conformance'])

/** SHA-256 of the files of a folder, as hexadecimal; of a runtime's folder, of those that go into its image. */
export function hashFolder(folder: string): string {
  const hash = createHash('sha256')
  for (const path of filesOf(folder)) {
    const content = readFileSync(join(folder, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/**
 * The image of a runtime's folder, tagged with the hash of its files: releases whose shims differ have images of their own,
 * so that two installations can share an engine. A name in `runtime.json` that has a tag already stays as it is.
 */
export function taggedImage(folder: string, image: string): string {
  const hasTag = image.slice(image.lastIndexOf('/')).includes(':')
  return hasTag ? image : `${image}:${hashFolder(folder).slice(0, 12)}`
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !notInTheImage.has(path.split('/')[0] ?? ''))
    .sort()
}
