import { invalid } from './errors.ts'

/** Longest name of an image that is taken: the grammar's own limit for the name, and room for a tag and a digest. */
const longestReference = 512
const longestName = 255

/**
 * Whether a text is a reference to an image by the grammar of the distribution's `reference` package: `[host[:port]/]path[:tag][@digest]`.
 * Decided in one pass over each part. Whoever asks an engine or a registry for an image asks here first: such a
 * name becomes part of an address.
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

/** The name as it was given. Throws FaasError `invalid_request` for what is none. */
export function checkedImage(field: string, image: string): string {
  if (isImageReference(image)) return image
  throw invalid(
    `"${field}" must be the name of a container image, such as python:3.13 or registry.example.org/team/app@sha256:…; ${JSON.stringify(image.slice(0, 100))} is none.`,
  )
}

/** Whether an image is one of those that a pattern names, as both are written: `*` stands for any characters. */
export function fitsImage(pattern: string, image: string): boolean {
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

/** A registry's host: names or an IPv6 address in brackets, with a port. */
function isHost(text: string): boolean {
  const address = /^\[[0-9a-fA-F:]{2,45}\](?::[0-9]{1,5})?$/
  if (address.test(text)) return true
  const [host = '', port, more] = text.split(':')
  if (more !== undefined || (port !== undefined && !/^[0-9]{1,5}$/.test(port))) return false
  return host.split('.').every((label) => labelForm.test(label) && !label.startsWith('-') && !label.endsWith('-'))
}
