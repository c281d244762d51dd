import type { WhiskExec } from '../../domain/functions/openwhisk.ts'
import { type Signature, signatureOfEvents } from '../../domain/functions/signature.ts'
import { Upload } from '../../domain/functions/upload.ts'
import { isArchive, zipIn } from './archives.ts'
import { familyOf, imageKind, sequenceKind } from './kinds.ts'
import { sequenceCode } from './sequence.ts'
import { whiskBadRequest } from './whisk-error.ts'

/** The code of an action in the form that functions use. */
export interface ActionCode {
  code: object
  zip?: Upload
  /** Absent: the action is an image. */
  runtime?: string
  signature?: Signature
}

/** Throws WhiskError. `text`: the code as it was sent; null: none. */
export async function codeOf(exec: WhiskExec | undefined, text: string | null, maxBytes: number): Promise<ActionCode> {
  if (exec?.kind === imageKind) return imageCode(exec, text)
  const signature = signatureOfEvents('openwhisk')
  if (exec?.kind === sequenceKind) {
    return {
      code: inline('index.js', sequenceCode(exec.components ?? [])),
      runtime: familyOf('nodejs').runtime,
      signature,
    }
  }
  const { runtime, extension } = familyOf(exec?.kind ?? '')
  if (text === null)
    throw whiskBadRequest("The request content was malformed: 'code' must be a string defined in 'exec'.")
  if (!isArchive(text)) return { code: inline(`action.${extension}`, text), runtime, signature }
  return { code: { source: 'package' }, zip: new Upload(await zipIn(text, maxBytes)), runtime, signature }
}

const inline = (filename: string, content: string) => ({ source: 'inline', filename, content })

/** Code sent together with an image goes to its `/init`. */
function imageCode({ image, main, binary }: WhiskExec, text: string | null): ActionCode {
  const init = text === null ? {} : { init: { code: text, binary, ...(main !== undefined && { main }) } }
  return { code: { source: 'image', image, mode: 'openwhisk', ...init } }
}
