import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { zipSync } from 'fflate'
import { handlerFile } from './taibai.ts'

/** Packages to measure with; all are different, like those of different functions. */

export type Language = 'nodejs' | 'python3'

const python = 'def main(event, context):\n    return {"hello": "world"}\n'
const sources = { nodejs: readFileSync(handlerFile, 'utf8'), python3: python }
const names = { nodejs: 'main.mjs', python3: 'main.py' }
const comments = { nodejs: '// ', python3: '# ' }

/** The handler, padded with comments that do not compress. */
export function smallSource(language: Language, bytes = 10_000): string {
  const mark = comments[language]
  const lines = [sources[language]]
  for (let size = lines[0]?.length ?? 0; size < bytes; size += 81)
    lines.push(`${mark}${randomBytes(39).toString('hex').slice(0, 78)}`)
  return lines.join('\n')
}

const bigFiles = 2000
const bigFileBytes = 10_000
const filesPerFolder = 50

/** The handler among 2,000 files of 10 kB, like dependencies: in folders, most of them not loaded. */
export function bigZip(language: Language): Uint8Array {
  const files: Record<string, [Uint8Array, { level: 0 }]> = {}
  const add = (name: string, content: Uint8Array) => {
    files[name] = [content, { level: 0 }]
  }
  add(names[language], Buffer.from(smallSource(language)))
  for (let n = 1; n < bigFiles; n++)
    add(`vendor/library${Math.floor(n / filesPerFolder)}/part${n}.txt`, randomBytes(bigFileBytes))
  return zipSync(files)
}
