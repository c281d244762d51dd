import { type AwsAnswer, type AwsCall, objectIn, param } from './aws-call.ts'
import { AwsError, invalidParameter, missing } from './aws-error.ts'
import type { Catalogue, NamedFunction } from './catalogue.ts'
import { checkRevision, revisionIdOf } from './function-configuration.ts'
import { textOf } from './function-fields.ts'
import { arnOf, current, ownOf } from './names.ts'

type Statements = Record<string, object>

/** A policy, of the function or of one of its aliases and versions. */
interface Policy {
  found: NamedFunction
  statements: Statements
}

/** Permissions for other services and accounts. They are stored and returned without effect. */
export class PolicyOperations {
  #catalogue: Catalogue

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue
  }

  add = (call: AwsCall): AwsAnswer => {
    const { found, statements } = this.#policy(call)
    const given = objectIn(call.body)
    const statement = statementOf(given, arnOf(call.region, found.fn.name ?? found.fn.id, found.qualifier))
    const { Sid: sid } = statement
    checkPolicyRevision(given.RevisionId, statements)
    if (ownOf(statements, sid) !== undefined) {
      const message = `The statement id (${sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`
      throw new AwsError(409, 'ResourceConflictException', message)
    }
    const all = { ...statements, [sid]: statement }
    refuseTooLongPolicy(all)
    this.#change(found, all)
    return { status: 201, json: { Statement: JSON.stringify(statement) } }
  }

  remove = (call: AwsCall): AwsAnswer => {
    const { found, statements } = this.#policy(call)
    const sid = param(call, 1)
    if (ownOf(statements, sid) === undefined) throw missing(`Statement ${sid} is not found in resource policy.`)
    checkPolicyRevision(call.query.get('RevisionId'), statements)
    const { [sid]: _gone, ...rest } = statements
    this.#change(found, rest)
    return { status: 204 }
  }

  get = (call: AwsCall): AwsAnswer => {
    const { statements } = this.#policy(call)
    if (Object.keys(statements).length === 0) throw missing('The resource you requested does not exist.')
    const policy = { Version: '2012-10-17', Id: 'default', Statement: Object.values(statements) }
    return { status: 200, json: { Policy: JSON.stringify(policy), RevisionId: revisionIdOf(statements) } }
  }

  #policy(call: AwsCall): Policy {
    const found = this.#catalogue.find(call.who, call.region, param(call), call.query.get('Qualifier'))
    const { qualifier, settings } = found
    if (qualifier === current) throw invalidParameter('We currently do not support adding policies for $LATEST.')
    if (qualifier === null) return { found, statements: settings.policy }
    return { found, statements: ownOf(settings.policies ?? {}, qualifier) ?? {} }
  }

  #change(found: NamedFunction, statements: Statements): void {
    const { qualifier, settings } = found
    const { policies = {} } = settings
    const change = qualifier === null ? { policy: statements } : { policies: { ...policies, [qualifier]: statements } }
    this.#catalogue.change(found, change)
  }
}

/** Limit of AWS Lambda, in bytes; a policy is written again with each statement. */
const mostPolicyBytes = 20_480

function refuseTooLongPolicy(statements: Statements): void {
  const bytes = Buffer.byteLength(JSON.stringify(Object.values(statements)))
  if (bytes <= mostPolicyBytes) return
  const message = `The final policy size (${bytes}) is bigger than the limit (${mostPolicyBytes}): remove statements first.`
  throw new AwsError(400, 'PolicyLengthExceededException', message)
}

function checkPolicyRevision(given: unknown, statements: Statements): void {
  checkRevision(given, { RevisionId: revisionIdOf(statements) })
}

interface Statement {
  Sid: string
  Effect: 'Allow'
  Principal: unknown
  Action: string
  Resource: string
  Condition?: Record<string, Record<string, string>>
}

function statementOf(given: Record<string, unknown>, resource: string): Statement {
  const condition = conditionOf(given)
  return {
    Sid: matching('statementId', given.StatementId, /^[\w-]{1,100}$/, 'up to 100 letters, digits, - and _'),
    Effect: 'Allow',
    Principal: principalOf(textOf('Principal', given.Principal)),
    Action: matching('action', given.Action, /^(lambda:\*|lambda:[a-zA-Z]+|\*)$/, 'such as lambda:InvokeFunction'),
    Resource: resource,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  }
}

/** The operator and the key of each field that narrows a permission. */
const conditions: [field: string, operator: string, key: string][] = [
  ['FunctionUrlAuthType', 'StringEquals', 'lambda:FunctionUrlAuthType'],
  ['SourceAccount', 'StringEquals', 'AWS:SourceAccount'],
  ['PrincipalOrgID', 'StringEquals', 'aws:PrincipalOrgID'],
  ['EventSourceToken', 'StringEquals', 'lambda:EventSourceToken'],
  ['InvokedViaFunctionUrl', 'Bool', 'lambda:InvokedViaFunctionUrl'],
  ['SourceArn', 'ArnLike', 'AWS:SourceArn'],
]

/** Programs such as Terraform compare these with what they sent. */
function conditionOf(given: Record<string, unknown>): Record<string, Record<string, string>> {
  const all: Record<string, Record<string, string>> = {}
  for (const [field, operator, key] of conditions) {
    const value = given[field]
    if (value !== undefined && value !== null) all[operator] = { ...all[operator], [key]: String(value) }
  }
  return all
}

/** A service by its name, everybody, or an account. */
const principalOf = (given: string): unknown => {
  if (given === '*') return '*'
  if (/^\d{12}$/.test(given)) return { AWS: `arn:aws:iam::${given}:root` }
  return given.startsWith('arn:') ? { AWS: given } : { Service: given }
}

function matching(name: string, given: unknown, pattern: RegExp, wanted: string): string {
  if (typeof given === 'string' && pattern.test(given)) return given
  throw new AwsError(400, 'ValidationException', `${name} is ${JSON.stringify(given)}: it must be ${wanted}.`)
}
