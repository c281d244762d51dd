import { zipSync } from 'fflate'

/** ZIPs carry local time: these numbers are the same everywhere, so the same file gives the same bytes. */
const fixedTime = new Date(1980, 0, 1)
const unix = 3
const readableFile = 0o100644 << 16

/** A package of one file, for functions that come as a single source. */
export function zipOf(filename: string, content: string): Buffer {
  const options = { level: 6, mtime: fixedTime, os: unix, attrs: readableFile } as const
  return Buffer.from(zipSync({ [filename]: [Buffer.from(content), options] }))
}
