import { createReadStream, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import { filesOf } from '../assets.ts'

/** A file of the folder from which an image is built. */
export interface ContextFile {
  name: string
  content: string | Buffer | { file: string }
  isProgram?: boolean
}

/**
 * The folder as a tar for the engine. Times and owners are constant, so that equal files give equal bytes and the engine's build
 * cache works.
 */
export function packContext(files: ContextFile[]): Readable {
  const tar = pack()
  const fill = async () => {
    for (const { name, content, isProgram = false } of files) {
      const header = { name, mode: isProgram ? 0o755 : 0o644, mtime: new Date(0), uid: 0, gid: 0 }
      if (typeof content === 'string' || Buffer.isBuffer(content)) tar.entry(header, content)
      else await pipeline(createReadStream(content.file), tar.entry({ ...header, size: statSync(content.file).size }))
    }
    tar.finalize()
  }
  fill().catch((error: Error) => tar.destroy(error))
  return tar as unknown as Readable
}

/** The files of a runtime's folder that belong to its image. */
export const runtimeContext = (folder: string): ContextFile[] =>
  filesOf(folder).map((name) => ({ name, content: readFileSync(join(folder, name)) }))
