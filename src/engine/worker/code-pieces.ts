import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Bytes of a file that are sent in one frame. */
export const pieceBytes = 256 * 1024

/** One step of copying a package, in the format of a CODE frame's meta: paths are those inside the worker. */
export interface CodePiece {
  meta: { path: string; folder?: true; link?: string; executable?: true; more?: true }
  body: Buffer
}

const nothing = Buffer.alloc(0)

/** Yields a folder and its contents in an order in which the worker can recreate it at `to`. */
export function* codePieces(from: string, to: string): Generator<CodePiece> {
  yield { meta: { path: to, folder: true }, body: nothing }
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, path] = [join(from, entry.name), `${to}/${entry.name}`]
    if (entry.isDirectory()) yield* codePieces(source, path)
    else if (entry.isSymbolicLink()) yield { meta: { path, link: readlinkSync(source) }, body: nothing }
    else yield* filePieces(source, path)
  }
}

/** `more`: the content is appended to the file. */
function* filePieces(source: string, path: string): Generator<CodePiece> {
  const { mode, size } = statSync(source)
  const executable = (mode & 0o100) === 0 ? {} : { executable: true as const }
  const file = openSync(source, 'r')
  try {
    let at = 0
    do {
      const body = Buffer.allocUnsafe(Math.min(pieceBytes, size - at))
      const read = readSync(file, body)
      yield { meta: { path, ...executable, ...(at > 0 && { more: true as const }) }, body: body.subarray(0, read) }
      at = read === 0 ? size : at + read
    } while (at < size)
  } finally {
    closeSync(file)
  }
}
