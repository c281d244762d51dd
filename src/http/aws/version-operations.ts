import { FaasError } from '../../domain/errors.ts'
import type { FunctionVersion } from '../../domain/functions/function.ts'
import type { LambdaAlias } from '../../domain/functions/lambda-settings.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { FunctionVersions } from '../../services/functions/function-versions.ts'
import { type AwsAnswer, type AwsCall, objectIn, param } from './aws-call.ts'
import { AwsError, invalidParameter, missing } from './aws-error.ts'
import { type Catalogue, type NamedFunction, noAlias } from './catalogue.ts'
import { checkRevision, configurationOf, revisionIdOf } from './function-configuration.ts'
import { longestDescription, textOf } from './function-fields.ts'
import { arnOf, current, ownOf } from './names.ts'
import { pageOf } from './pages.ts'

/** Versions: published, and deleted unless an alias uses them. */
export class PublishedVersions {
  #versions: FunctionVersions

  constructor(versions: FunctionVersions) {
    this.#versions = versions
  }

  /** Publishing unchanged code returns the newest version again. */
  publish(who: Principal, { fn }: NamedFunction, description: string): FunctionVersion {
    const newest = this.#versions.list(who, fn.id).at(-1)
    if (newest !== undefined && newest.packageHash === fn.packageHash) return newest
    return this.#versions.create(who, fn.id, description === '' ? fn.description : description)
  }

  async remove(who: Principal, { fn, settings, version }: NamedFunction, qualifier: string): Promise<void> {
    if (version === null || !/^\d+$/.test(qualifier)) {
      throw invalidParameter(`Qualifier is ${qualifier}: only versions can be deleted by their number.`)
    }
    const holder = Object.entries(settings.aliases).find(([, alias]) => leadsTo(alias, version.number))
    if (holder !== undefined) {
      const message = `The alias ${holder[0]} points at version ${version.number}: move or delete it first.`
      throw new AwsError(409, 'ResourceConflictException', message)
    }
    await this.#versions.delete(who, fn.id, version.number)
  }
}

/** Versions and aliases in AWS Lambda's API. An alias belongs to one function. */
export class VersionOperations {
  #catalogue: Catalogue
  #published: PublishedVersions

  constructor(catalogue: Catalogue, published: PublishedVersions) {
    this.#catalogue = catalogue
    this.#published = published
  }

  publish = (call: AwsCall): AwsAnswer => {
    const given = objectIn(call.body)
    const found = this.#whole(call)
    if (found.fn.code.source === 'image') {
      throw invalidParameter('A function of an image has no versions here: the tag of its image says what it runs.')
    }
    const configuration = this.#configuration(call, found)
    checkRevision(given.RevisionId, configuration)
    if (given.CodeSha256 !== undefined && given.CodeSha256 !== configuration.CodeSha256) {
      throw invalidParameter(`CodeSha256 is not that of the code, ${configuration.CodeSha256}.`)
    }
    const description =
      given.Description === undefined ? '' : textOf('Description', given.Description, longestDescription)
    const version = this.#publishedNow(call.who, found, description)
    const numbered = { ...found, version, qualifier: String(version.number) }
    return { status: 201, json: this.#configuration(call, numbered) }
  }

  list = (call: AwsCall): AwsAnswer => {
    const { items, next } = pageOf(this.#catalogue.versions(call.who, this.#whole(call)), call.query)
    return { status: 200, json: { Versions: items.map((one) => this.#configuration(call, one)), ...next } }
  }

  createAlias = (call: AwsCall): AwsAnswer => {
    const given = objectIn(call.body)
    const found = this.#whole(call)
    const name = textOf('Name', given.Name)
    if (!/^(?!\d+$)[A-Za-z0-9_-]{1,128}$/.test(name)) {
      throw invalidParameter(`Name is ${JSON.stringify(name)}: letters, digits, - and _, and not only digits.`)
    }
    if (ownOf(found.settings.aliases, name) !== undefined) {
      throw new AwsError(409, 'ResourceConflictException', `Alias already exists: ${this.#arn(call, found, name)}`)
    }
    return { status: 201, json: this.#setAlias(call, found, name, given, { version: 0, description: '' }) }
  }

  updateAlias = (call: AwsCall): AwsAnswer => {
    const given = objectIn(call.body)
    const { found, name, alias } = this.#alias(call)
    checkRevision(given.RevisionId, this.#shown(call, found, name, alias))
    return { status: 200, json: this.#setAlias(call, found, name, given, alias) }
  }

  getAlias = (call: AwsCall): AwsAnswer => {
    const { found, name, alias } = this.#alias(call)
    return { status: 200, json: this.#shown(call, found, name, alias) }
  }

  listAliases = (call: AwsCall): AwsAnswer => {
    const found = this.#whole(call)
    const wanted = call.query.get('FunctionVersion')
    const all = Object.entries(found.settings.aliases).filter(
      ([, alias]) => wanted === null || versionText(alias.version) === wanted,
    )
    const { items, next } = pageOf(all, call.query)
    return {
      status: 200,
      json: { Aliases: items.map(([name, alias]) => this.#shown(call, found, name, alias)), ...next },
    }
  }

  /** Deleting a missing alias succeeds. */
  deleteAlias = (call: AwsCall): AwsAnswer => {
    const found = this.#whole(call)
    const name = param(call, 1)
    const { aliases, policies = {}, eventInvoke = {} } = found.settings
    const change = { aliases: without(aliases, name), policies: without(policies, name) }
    this.#catalogue.change(found, { ...change, eventInvoke: without(eventInvoke, name) })
    return { status: 204 }
  }

  #publishedNow(who: Principal, found: NamedFunction, description: string): FunctionVersion {
    try {
      return this.#published.publish(who, found, description)
    } catch (error) {
      if (error instanceof FaasError && error.code === 'forbidden') throw invalidParameter(error.message)
      throw error
    }
  }

  #setAlias(
    call: AwsCall,
    found: NamedFunction,
    name: string,
    given: Record<string, unknown>,
    before: LambdaAlias,
  ): object {
    const version =
      given.FunctionVersion === undefined ? before.version : this.#version(call, found, given.FunctionVersion)
    // What it has already must fit a new version, too.
    const config = given.RoutingConfig ?? { AdditionalVersionWeights: before.weights ?? {} }
    const weights = this.#weights(call, found, config, version)
    const alias: LambdaAlias = {
      version,
      ...(weights !== undefined && { weights }),
      description:
        given.Description === undefined
          ? before.description
          : textOf('Description', given.Description, longestDescription),
    }
    this.#catalogue.change(found, { aliases: { ...found.settings.aliases, [name]: alias } })
    return this.#shown(call, found, name, alias)
  }

  #version({ who, region }: AwsCall, { fn }: NamedFunction, given: unknown): number {
    const text = textOf('FunctionVersion', given)
    if (text === current) return 0
    const version = /^\d+$/.test(text) ? this.#catalogue.versionNumbered(who, fn, Number(text)) : undefined
    if (version === undefined) throw missing(`Function not found: ${arnOf(region, fn.name ?? fn.id, text)}`)
    return version.number
  }

  /** At most one additional version, and published versions only, as in AWS Lambda. */
  #weights(call: AwsCall, found: NamedFunction, config: unknown, version: number): LambdaAlias['weights'] {
    const given = Object.entries(additionalWeights(config))
    if (given.length === 0) return undefined
    if (given.length > 1) throw invalidParameter('RoutingConfig names more than one additional version.')
    if (version === 0) throw invalidParameter('RoutingConfig is not supported for an alias that points to $LATEST.')
    const [[name = '', weight]] = given as [[string, unknown]]
    const other = /^\d+$/.test(name) ? this.#version(call, found, name) : 0
    if (other === 0 || other === version) {
      throw invalidParameter(`RoutingConfig: ${JSON.stringify(name)} must be another published version.`)
    }
    if (typeof weight !== 'number' || !(weight >= 0 && weight <= 1)) {
      throw invalidParameter(`RoutingConfig: the weight of version ${name} must be from 0.0 to 1.0.`)
    }
    return { [other]: weight }
  }

  #alias(call: AwsCall): { found: NamedFunction; name: string; alias: LambdaAlias } {
    const found = this.#whole(call)
    const name = param(call, 1)
    const alias = ownOf(found.settings.aliases, name)
    if (alias === undefined) throw noAlias(call.region, found.fn.name ?? found.fn.id, name)
    return { found, name, alias }
  }

  #whole(call: AwsCall): NamedFunction {
    return this.#catalogue.findWhole(call.who, call.region, param(call))
  }

  #arn({ region }: AwsCall, { fn }: NamedFunction, alias: string): string {
    return arnOf(region, fn.name ?? fn.id, alias)
  }

  #shown(call: AwsCall, found: NamedFunction, name: string, alias: LambdaAlias): Record<string, unknown> {
    const shown = {
      AliasArn: this.#arn(call, found, name),
      Name: name,
      FunctionVersion: versionText(alias.version),
      Description: alias.description,
      ...(alias.weights && { RoutingConfig: { AdditionalVersionWeights: alias.weights } }),
    }
    return { ...shown, RevisionId: revisionIdOf(shown) }
  }

  #configuration(call: AwsCall, found: NamedFunction): Record<string, unknown> {
    return configurationOf(found, call.region, this.#catalogue.sizeOf(found))
  }
}

const without = <T>(record: Record<string, T>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))

const versionText = (version: number): string => (version === 0 ? current : String(version))

function additionalWeights(config: unknown): object {
  const weights = (config as { AdditionalVersionWeights?: unknown } | null)?.AdditionalVersionWeights ?? {}
  if (typeof weights === 'object' && !Array.isArray(weights)) return weights
  throw invalidParameter('RoutingConfig: AdditionalVersionWeights must be an object.')
}

const leadsTo = ({ version, weights = {} }: LambdaAlias, number: number): boolean =>
  version === number || weights[number] !== undefined
