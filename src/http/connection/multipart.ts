import { invalid } from '../../domain/errors.ts'

/** One part of a multipart/form-data body; `body` is a view of the whole. */
export interface Part {
  name: string
  /** True when it has a file name. */
  isFile: boolean
  body: Buffer
}

const maxParts = 100
/** Limits of a part's headers, and of the boundary (RFC 2046 allows 70). */
const maxHeaderBytes = 8192
const maxBoundary = 200
const lineEnd = Buffer.from('\r\n')
const headersEnd = Buffer.from('\r\n\r\n')

/**
 * Parses a form by searching for the boundary: nothing is copied or decoded, so a package of 50 MB does not block the event loop
 * (the built-in parser took 0.3 s). Each byte is read a fixed number of times, whatever the body contains. Throws FaasError
 * `invalid_request`.
 */
export function parseMultipart(body: Buffer, contentType: string): Part[] {
  const boundary = parametersOf(contentType).get('boundary')
  if (boundary === undefined || boundary === '') throw malformed('its Content-Type names no boundary')
  if (boundary.length > maxBoundary) throw malformed(`its boundary is longer than ${maxBoundary} characters`)
  const delimiter = Buffer.from(`--${boundary}`)
  const onItsLine = Buffer.concat([lineEnd, delimiter])
  const parts: Part[] = []
  let at = firstDelimiter(body, delimiter, onItsLine) + delimiter.length
  while (!isLast(body, at)) {
    const end = body.indexOf(onItsLine, at)
    if (end === -1) throw malformed('its last boundary is missing')
    if (parts.length === maxParts) throw malformed(`it has more than ${maxParts} parts`)
    parts.push(readPart(body.subarray(at, end)))
    at = end + onItsLine.length
  }
  return parts
}

/** At the start, or on a line of its own after a preamble. */
function firstDelimiter(body: Buffer, delimiter: Buffer, onItsLine: Buffer): number {
  if (body.subarray(0, delimiter.length).equals(delimiter)) return 0
  const at = body.indexOf(onItsLine)
  if (at === -1) throw malformed('its boundary is not in it')
  return at + lineEnd.length
}

const isLast = (body: Buffer, at: number): boolean => body.subarray(at, at + 2).toString('latin1') === '--'

/** Reads from behind a delimiter: the rest of its line, headers, an empty line, the content. */
function readPart(part: Buffer): Part {
  const top = part.subarray(0, maxHeaderBytes)
  const start = top.indexOf(lineEnd)
  const end = start === -1 ? -1 : top.indexOf(headersEnd, start)
  if (end === -1) {
    throw malformed(
      part.length > maxHeaderBytes
        ? `the headers of a part are longer than ${maxHeaderBytes} bytes`
        : 'a part has no headers',
    )
  }
  const disposition = headerOf(top.subarray(start, end).toString('utf8'), 'content-disposition')
  const parameters = parametersOf(disposition ?? '')
  const name = parameters.get('name')
  if (name === undefined) throw malformed('a part has no name')
  const isFile = parameters.has('filename') || parameters.has('filename*')
  return { name, isFile, body: part.subarray(end + headersEnd.length) }
}

function headerOf(headers: string, wanted: string): string | undefined {
  for (const line of headers.split('\r\n')) {
    const colon = line.indexOf(':')
    if (line.slice(0, Math.max(colon, 0)).trim().toLowerCase() === wanted) return line.slice(colon + 1)
  }
  return undefined
}

/** Parses `form-data; name="a"; filename="b;c"` after the first semicolon; the first of several equal names counts. One pass. */
function parametersOf(header: string): Map<string, string> {
  const found = new Map<string, string>()
  let at = header.indexOf(';')
  while (at !== -1) {
    const equals = header.indexOf('=', at)
    if (equals === -1) break
    const name = header
      .slice(at + 1, equals)
      .trim()
      .toLowerCase()
    const { value, end } = valueAt(header, equals + 1)
    if (!found.has(name)) found.set(name, value)
    at = header.indexOf(';', end)
  }
  return found
}

/** Browsers write a quotation mark as `%22` and escape nothing else, so a quoted value ends at the next mark. */
function valueAt(header: string, from: number): { value: string; end: number } {
  if (header[from] === '"') {
    const close = header.indexOf('"', from + 1)
    return close === -1
      ? { value: header.slice(from + 1), end: header.length }
      : { value: header.slice(from + 1, close), end: close + 1 }
  }
  const semicolon = header.indexOf(';', from)
  const end = semicolon === -1 ? header.length : semicolon
  return { value: header.slice(from, end).trim(), end }
}

const malformed = (why: string) => invalid(`The body is not valid multipart/form-data: ${why}.`)
