import { invalid } from '../../domain/errors.ts'
import type { Fn, ImageStart } from '../../domain/functions/function.ts'
import { checkedImage } from '../../domain/functions/image.ts'
import { factsOf } from '../../domain/functions/signature.ts'
import type { Upload } from '../../domain/functions/upload.ts'
import { entryIn, type GivenCode, readChangedCode } from './function-code.ts'

/** The code that an update gives. Null: none. */
export function readCodeChange(fn: Fn, given: unknown, zip: Upload | undefined): GivenCode | null {
  if (given !== undefined) return readChangedCode(given, fn.code)
  return zip === undefined ? null : readChangedCode(fn.code.source === 'image' ? fn.code : {}, fn.code)
}

/** The entry with this code. A single file is the whole package, so an entry with a module must name this file. */
export function changedEntry({ entry, signature }: Fn, code: GivenCode | null): string | null {
  if (code?.source !== 'inline') return entry
  const namesModule = signature === null || factsOf(signature).entry === undefined
  return entry === null || !namesModule ? entry : entryIn(code.file, entry)
}

/** The image with its changed fields; null when nothing changes. */
export function changedImage({ code }: Fn, image?: string, start?: ImageStart): Pick<Fn, 'code'> | null {
  if (image === undefined && start === undefined) return null
  if (code.source !== 'image') throw invalid('"image" is for functions that are an image: this one is made of code.')
  const named = image === undefined ? {} : { image: checkedImage('image', image) }
  const { entry_point, command, working_directory, ...alone } = code
  return { code: { ...(start === undefined ? code : { ...alone, ...start }), ...named } }
}
