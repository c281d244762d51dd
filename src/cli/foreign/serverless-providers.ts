import { CliError } from '../command.ts'
import type { ParsedValues } from './foreign-manifest.ts'

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
  aws: { languages: lambdaLanguages, timeout: 6, memoryMb: 1024 },
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
}

/** Throws CliError for a provider that is not read. */
export function platformOf({ name }: ParsedValues): Platform {
  const found = platforms[String(name)]
  if (found !== undefined) return found
  const known = Object.keys(platforms).join(', ')
  throw new CliError(`serverless.yml names the provider ${name}: only ${known} are read.`, 'usage')
}
