import { invalid } from '../errors.ts'

/** Longest accepted reference: the grammar's limit for the name, plus a tag and a digest. */
const longestReference = 512
const longestName = 255

/**
 * Whether a text is an image reference by the grammar of the distribution's `reference` package:
 * `[host[:port]/]path[:tag][@digest]`. It is decided in one pass over each part. Every reference is checked here before it is
 * sent to an engine or registry, because it becomes part of a URL.
 */
export function isImageReference(text: string): boolean {
  if (text === '' || text.length > longestReference) return false
  const [named = '', digest, more] = text.split('@')
  if (more !== undefined || (digest !== undefined && !digestForm.test(digest))) return false
  const colon = named.lastIndexOf(':')
  const isTagged = colon > named.lastIndexOf('/')
  if (isTagged && !tagForm.test(named.slice(colon + 1))) return false
  return isName(isTagged ? named.slice(0, colon) : named)
}

/** Returns the image. Throws FaasError `invalid_request` for an invalid reference. */
export function checkedImage(field: string, image: string): string {
  if (isImageReference(image)) return image
  throw invalid(
    `"${field}" must be the name of a container image, such as python:3.13 or registry.example.org/team/app@sha256:…, not ${JSON.stringify(image.slice(0, 100))}.`,
  )
}

/** Whether an image matches a pattern, both as written: `*` stands for any characters. */
export function matchesImage(pattern: string, image: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return image === pattern
  if (!image.startsWith(first)) return false
  let at = first.length
  const last = rest.pop() as string
  for (const part of rest) {
    const found = image.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return image.length - last.length >= at && image.endsWith(last)
}

const tagForm = /^\w[\w.-]{0,127}$/
const digestForm = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,256}$/
const partForm = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const labelForm = /^[A-Za-z0-9-]+$/

function isName(name: string): boolean {
  if (name.length > longestName) return false
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0) return partForm.test(first)
  return (partForm.test(first) || isHost(first)) && rest.every((part) => partForm.test(part))
}

/** A registry's host: a name or an IPv6 address in brackets, with an optional port. */
function isHost(text: string): boolean {
  const address = /^\[[0-9a-fA-F:]{2,45}\](?::[0-9]{1,5})?$/
  if (address.test(text)) return true
  const [host = '', port, more] = text.split(':')
  if (more !== undefined || (port !== undefined && !/^[0-9]{1,5}$/.test(port))) return false
  return host.split('.').every((label) => labelForm.test(label) && !label.startsWith('-') && !label.endsWith('-'))
}
