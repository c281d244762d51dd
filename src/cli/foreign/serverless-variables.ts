import { userVariable } from '../../cli-settings.ts'
import { isObject, type ParsedValues } from './foreign-manifest.ts'

/**
 * Variables of `serverless.yml` whose values are in the file or in the environment: `${self:custom.table}`, `${sls:stage}`,
 * `${opt:stage, 'dev'}`, `${env:NAME}`. Others stay as they are.
 */
export function resolvedVariables(root: ParsedValues): ParsedValues {
  const provider = isObject(root.provider) ? root.provider : {}
  const stage = (): unknown => within(provider.stage ?? 'dev', 1)
  const known: [source: RegExp, value: (found: RegExpExecArray) => unknown][] = [
    [/^self:([\w.-]+)$/, ([, path = '']) => within(path.split('.').reduce(inner, root), 1)],
    [/^(?:sls|opt):stage$/, stage],
    [/^(?:opt|aws):region$/, () => within(provider.region ?? 'us-east-1', 1)],
    [/^env:(\w+)$/, ([, name = '']) => userVariable(name)],
    [/^(['"])(.*)\1$/, ([, , text]) => text],
    [/^(?:\d+|true|false)$/, ([text]) => text],
  ]
  let depth = 0

  /** A value that leads to itself stays as it is. */
  function within(value: unknown, deeper: number): unknown {
    depth += deeper
    const found = depth > mostDepth ? value : resolved(value)
    depth -= deeper
    return found
  }

  function resolved(value: unknown): unknown {
    if (typeof value === 'string') return textOf(value)
    if (Array.isArray(value)) return value.map(resolved)
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one)]))
  }

  /** From the inside out; a variable alone may be of any type. */
  function textOf(text: string): unknown {
    let now = text
    for (let round = 0; round < mostDepth; round++) {
      const whole = variable.exec(now)
      const alone = whole?.[0] === now ? firstOf(whole[1] as string) : undefined
      if (isObject(alone) || Array.isArray(alone) || typeof alone === 'number') return alone
      const next = now.replaceAll(everyVariable, (found, inside) => {
        const value = firstOf(inside)
        return value === undefined || value === null || isObject(value) ? found : String(value)
      })
      if (next === now) return now
      now = next
    }
    return now
  }

  /** The first of the alternatives that has a value. */
  function firstOf(inside: string): unknown {
    for (const one of inside.split(',').map((part) => part.trim())) {
      for (const [source, read] of known) {
        const found = source.exec(one)
        const value = found === null ? undefined : read(found)
        if (value !== undefined && value !== null) return value
      }
    }
    return undefined
  }

  return resolved(root) as ParsedValues
}

const mostDepth = 8
/** The innermost ones. */
const variable = /\$\{([^${}]+)\}/
const everyVariable = /\$\{([^${}]+)\}/g

const inner = (value: unknown, key: string): unknown =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
