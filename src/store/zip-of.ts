import { zipSync } from 'fflate'
import { invalid } from '../domain/errors.ts'

/** ZIPs carry local time: these numbers are the same everywhere, so the same file gives the same bytes. */
const fixedTime = new Date(1980, 0, 1)
const unix = 3
const readableFile = 0o100644 << 16

/** A package of one file, for functions that come as a single source. */
export function zipOf(filename: string, content: string): Buffer {
  // fflate keeps the files by name in a plain object, which takes this name for its prototype.
  if (filename === '__proto__') throw invalid('A file cannot have the name __proto__: choose another one.')
  const options = { level: 6, mtime: fixedTime, os: unix, attrs: readableFile } as const
  return Buffer.from(zipSync({ [filename]: [Buffer.from(content), options] }))
}
