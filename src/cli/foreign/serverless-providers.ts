import { CliError } from '../command.ts'
import type { ManifestFunction } from '../manifest/manifest.ts'
import { objectOf, type ParsedValues } from './foreign-manifest.ts'

/** What runs functions of the Serverless Framework's providers, and of AWS SAM. */

/** By the prefix of the runtime's name there. */
export type Languages = [prefix: string, runtime: string, signature: string | undefined][]

export const lambdaLanguages: Languages = [
  ['nodejs', 'nodejs', 'lambda'],
  ['python3', 'python3', 'lambda'],
  ['provided', 'provided', undefined],
  ['go1.x', 'provided', undefined],
]

const languagesOf = (signature: string): Languages => [
  ['nodejs', 'nodejs', signature],
  ['python', 'python3', signature],
]

const platforms: Record<string, Platform> = {
  aws: { languages: lambdaLanguages, runtime: 'nodejs', timeout: 6, memoryMb: 1024, hasRoutes: true },
  google: { languages: languagesOf('gcf') },
  openwhisk: { languages: languagesOf('openwhisk'), runtime: 'nodejs' },
  kubeless: { languages: languagesOf('kubeless') },
}

/** A provider of the Serverless Framework: its runtimes, and its defaults where it has some of its own. */
export interface Platform {
  languages: Languages
  runtime?: string
  timeout?: number
  memoryMb?: number
  /** Functions get the events of a REST API or an HTTP API. */
  hasRoutes?: boolean
}

/** Throws CliError for a provider that is not read. */
export function platformOf({ name }: ParsedValues): Platform {
  const found = platforms[String(name)]
  if (found !== undefined) return found
  const known = Object.keys(platforms).join(', ')
  throw new CliError(`serverless.yml names the provider ${name}: only ${known} are read.`, 'usage')
}

/** The plugin serverless-wsgi puts its handler before an application of WSGI, which is called without it here. */
export function withoutWsgiPlugin(fn: ManifestFunction, { handler }: ParsedValues, custom: unknown): ManifestFunction {
  const { app } = objectOf(objectOf(custom).wsgi)
  if (typeof app !== 'string' || !/^wsgi(?:_handler)?\.handler$/.test(String(handler))) return fn
  const { LAMBDA_HTTP_EVENTS: _routes, ...env } = fn.env ?? {}
  return { ...fn, env, entry: app.replaceAll('/', '.'), signature: 'http' }
}
