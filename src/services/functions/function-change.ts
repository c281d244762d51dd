import type { Fn, ImageStart } from '../../domain/functions/function.ts'
import { type ChangeableField, canonicalText, fieldFacts, fieldsIn } from '../../domain/functions/revision.ts'
import type { Upload } from '../../domain/functions/upload.ts'
import type { FunctionFields } from './function-fields.ts'
import type { DeploymentBuildOptions } from './running-builds.ts'

/** What a change of a function means for its workers. */

export interface FunctionChange extends FunctionFields {
  /** An object, or its JSON text. */
  code?: unknown
  zip?: Upload
  /** New image of a function that is an image. */
  image?: string | undefined
  /** New start of an image of mode "lambda", in place of all of the one before; the image stays. */
  start?: ImageStart | undefined
  /** Absent: no build. */
  build?: DeploymentBuildOptions
  /** Unfinished jobs continue with the new code; without it they refuse changes that affect the workers. */
  keepJobs?: boolean
  /**
   * Called with the function as it is right before it is written: what this throws refuses the change, and what this stores is
   * stored with it or not at all.
   */
  alongside?: (now: Fn) => void
  /** The same with the function as it was written. */
  afterwards?: ((written: Fn) => void) | undefined
}

const given = (change: FunctionChange, fields: readonly ChangeableField[]): boolean =>
  fields.some((field) => change[field] !== undefined)

const givesCode = ({ code, zip }: FunctionChange): boolean => code !== undefined || zip !== undefined

/** Changes that affect the workers: they are dropped, and unfinished jobs refuse the change. */
export const isHeavy = (change: FunctionChange): boolean =>
  givesCode(change) || change.image !== undefined || change.start !== undefined || given(change, fieldsIn('worker'))

/** Changes that the contract forbids for image functions. */
export const changesImage = (change: FunctionChange): boolean =>
  givesCode(change) ||
  change.start !== undefined ||
  given(
    change,
    fieldsIn('worker').filter((field) => fieldFacts[field].notOfImages),
  )

/** New code affects version 0 only; everything else in a worker is shared by all versions. */
export function workersToDrop(before: Fn, after: Fn): 'none' | 'current' | 'all' {
  if (differ(before, after, fieldsIn('worker'))) return 'all'
  const isSameCode = before.packageHash === after.packageHash && isSameImage(before, after)
  return isSameCode ? 'none' : 'current'
}

const isSameImage = ({ code: before }: Fn, { code: after }: Fn): boolean =>
  before.source !== 'image' || canonicalText('code', before) === canonicalText('code', after)

export const boundsDiffer = (before: Fn, after: Fn): boolean => differ(before, after, fieldsIn('bounds'))

const differ = (before: Fn, after: Fn, fields: readonly ChangeableField[]): boolean =>
  fields.some((field) => canonicalText(field, before[field]) !== canonicalText(field, after[field]))
