import { AwsError, invalidParameter } from './aws-error.ts'

/** Spellings of function names: `name`, `name:qualifier`, `account:function:name[:q]` or an ARN. */

export const account = '000000000000'
export const current = '$LATEST'

export interface FunctionName {
  name: string
  /** `$LATEST`, a version number, or an alias; null: none. */
  qualifier: string | null
}

const form =
  /^(?:(?:arn:[\w-]+:lambda:[\w-]+:)?\d{12}:function:)?([A-Za-z0-9_-]{1,140})(?::(\$LATEST|[A-Za-z0-9_-]{1,128}))?$/

/** `text` is decoded; `queryQualifier`: the query's qualifier. Throws AwsError. */
export function readFunctionName(text: string, queryQualifier: string | null = null): FunctionName {
  const found = form.exec(text)
  if (found === null) {
    const wanted = 'a name of letters, digits, - and _, perhaps with a qualifier, or an ARN'
    throw new AwsError(400, 'ValidationException', `FunctionName is ${JSON.stringify(text)}: it must be ${wanted}.`)
  }
  const [, name = '', own = null] = found
  if (own !== null && queryQualifier !== null && own !== queryQualifier) {
    throw invalidParameter(`The function name says the qualifier ${own}, and Qualifier says ${queryQualifier}.`)
  }
  return { name, qualifier: own ?? queryQualifier }
}

const longestNewName = 64

/** Functions that were made in another way may have longer names. Throws AwsError. */
export function checkNewName(name: string): void {
  if (name.length <= longestNewName) return
  throw new AwsError(
    400,
    'ValidationException',
    `FunctionName has ${name.length} characters; at most ${longestNewName} are allowed.`,
  )
}

export const arnOf = (region: string, name: string, qualifier: string | null = null): string =>
  `arn:aws:lambda:${region}:${account}:function:${name}${qualifier === null ? '' : `:${qualifier}`}`

/** A client's name may be one that every object has, such as `constructor`. */
export const ownOf = <T>(record: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined
