import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { invalid } from '../../domain/errors.ts'
import { type FunctionCode, type ImageMode, imageModes } from '../../domain/functions/function.ts'
import { checkedImage } from '../../domain/functions/image.ts'

/** The request's `code`, checked as far as possible without the package. */
export type GivenCode =
  | { source: 'package'; code: FunctionCode; md5sum: string | null }
  | { source: 'inline'; code: FunctionCode; file: InlineFile }
  | { source: 'image'; code: FunctionCode }
  | { source: 'swift'; code: FunctionCode; md5sum: string | null }

/** A function whose code is one file. */
export interface InlineFile {
  name: string
  content: string
}

const sources = ['package', 'inline', 'image', 'swift']

/** Reads `code` of a create request. Throws FaasError `invalid_request`. */
export function readCode(given: unknown): GivenCode {
  const read = readAny(given)
  refuseLong(read.code)
  return read
}

/** The contract keeps unknown keys; we limit their size. The text of a file does not count. */
function refuseLong(code: FunctionCode): void {
  const bytes = Buffer.byteLength(JSON.stringify(code))
  if (bytes > mostKeptBytes) {
    throw invalid(`"code" has ${bytes} bytes; at most ${mostKeptBytes} are allowed. Send code as a package or inline.`)
  }
}

const mostKeptBytes = 8192

function readAny(given: unknown): GivenCode {
  const code = toObject(given)
  switch (code.source) {
    case 'package':
      return { source: 'package', code: code as FunctionCode, md5sum: md5Of(code.md5sum) }
    case 'inline':
      return { source: 'inline', code: { source: 'package' }, file: readInlineFile(code) }
    case 'image':
      return { source: 'image', code: imageCode(code) }
    case 'swift':
      return { source: 'swift', code: code as FunctionCode, md5sum: md5Of(code.md5sum) }
    default:
      throw invalid(`"code.source" must be one of ${sources.join(', ')}.`)
  }
}

/** Reads `code` of an update; an absent source means the function's current one. */
export function readChangedCode(given: unknown, stored: FunctionCode): GivenCode {
  const code = toObject(given)
  const isSame = code.source === stored.source || (code.source === 'inline' && stored.source === 'package')
  if (code.source !== undefined && code.source !== null && !isSame) {
    throw invalid(`"code.source" of this function is "${stored.source}" and cannot be changed.`)
  }
  const read = readCode({ ...code, source: code.source ?? stored.source })
  if (read.source !== 'image' || read.code.mode === stored.mode) return read
  throw invalid(`"code.mode" of this function is "${stored.mode ?? 'command'}" and cannot be changed.`)
}

/** Hashes in slices, so that a large package does not block the event loop. */
export async function md5(bytes: Buffer): Promise<string> {
  const hash = createHash('md5')
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    if (at > 0) await setImmediate()
    hash.update(bytes.subarray(at, at + sliceBytes))
  }
  return hash.digest('hex')
}

const sliceBytes = 4 * 1024 * 1024

/** The default entry of a file: `hello.py` and `main.main` give `hello.main`; the function's name is kept. */
export function entryIn(file: InlineFile, before: string): string {
  const stem = file.name.replace(/\.[^.]*$/, '')
  return `${stem}.${before.slice(before.lastIndexOf('.') + 1)}`
}

function toObject(given: unknown): Record<string, unknown> {
  const value = typeof given === 'string' ? parsed(given) : given
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('"code" must be a JSON object, such as {"source": "package"}.')
  }
  return value as Record<string, unknown>
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('"code" is not valid JSON: it must be an object, such as {"source": "package"}.')
  }
}

function md5Of(given: unknown): string | null {
  if (given === undefined || given === null) return null
  if (typeof given === 'string' && /^[0-9a-f]{32}$/i.test(given)) return given.toLowerCase()
  throw invalid('"code.md5sum" must be the MD5 checksum of the package, 32 hexadecimal digits.')
}

function readInlineFile({ filename, content }: Record<string, unknown>): InlineFile {
  if (typeof filename !== 'string' || !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/.test(filename)) {
    throw invalid('"code.filename" must be the plain name of one file, such as main.py or main.mjs.')
  }
  if (typeof content !== 'string' || content === '') {
    throw invalid('"code.content" must be the text of the file, and not empty.')
  }
  return { name: filename, content }
}

function imageCode(code: Record<string, unknown>): FunctionCode {
  const { image, mode, port } = code
  if (typeof image !== 'string' || image.trim() === '') {
    throw invalid('"code.image" is required: the name of a container image.')
  }
  checkedImage('code.image', image)
  if (mode !== undefined && mode !== null) checkMode(mode)
  if (code.init !== undefined && code.init !== null) checkInit(code.init, mode)
  if (port !== undefined && port !== null) checkPort(port, mode)
  if (mode === 'lambda') checkStart(code)
  return { ...withoutNulls(code), source: 'image', image } as FunctionCode
}

function checkMode(mode: unknown): asserts mode is ImageMode {
  if (imageModes.includes(mode as ImageMode)) return
  throw invalid(`"code.mode" must be one of ${imageModes.join(', ')}, azure.`)
}

function checkPort(port: unknown, mode: unknown): void {
  if (mode !== 'http' && mode !== 'openwhisk' && mode !== 'fission') {
    throw invalid('"code.port" is for images of mode "http", "openwhisk" or "fission".')
  }
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid('"code.port" must be a number from 1 to 65535.')
  }
}

function checkInit(init: unknown, mode: unknown): void {
  if (mode !== 'openwhisk' && mode !== 'fission') {
    throw invalid('"code.init" is for images of mode "openwhisk" or "fission".')
  }
  if (typeof init !== 'object' || Array.isArray(init)) {
    throw invalid('"code.init" must be an object, such as {"code": "…", "main": "main", "binary": false}.')
  }
  if (mode === 'fission') checkFissionInit(init as Record<string, unknown>)
}

/** Its code is the package. */
function checkFissionInit({ main, ...others }: Record<string, unknown>): void {
  if (Object.keys(others).length === 0 && (main === undefined || typeof main === 'string')) return
  throw invalid(
    '"code.init" of an image of mode "fission" has only "main": the name of its function, such as "user.main".',
  )
}

/** Checks the command that replaces the image's own. */
function checkStart({ entry_point, command, working_directory }: Record<string, unknown>): void {
  for (const [name, words] of Object.entries({ entry_point, command })) {
    if (words === undefined || words === null) continue
    if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string')) continue
    throw invalid(`"code.${name}" must be a list of words, such as ["app.handler"].`)
  }
  if (working_directory === undefined || working_directory === null) return
  if (typeof working_directory === 'string' && working_directory.startsWith('/')) return
  throw invalid('"code.working_directory" must be an absolute path in the image.')
}

const withoutNulls = (object: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
