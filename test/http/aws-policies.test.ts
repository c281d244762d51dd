/** Policies and terms of asynchronous calls in the API of AWS Lambda, of functions and of their aliases. */
import { beforeEach, describe, expect, test } from 'vitest'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
const shop = '/2015-03-31/functions/shop'
const arn = 'arn:aws:lambda:us-east-1:000000000000:function:shop'

beforeEach(async () => {
  app = makeTestApp()
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs', isPublic: true }))
  const made = {
    FunctionName: 'shop',
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Role: 'arn:aws:iam::000000000000:role/x',
    Code: { ZipFile: Buffer.from('PK-not-really').toString('base64') },
    Publish: true,
  }
  await app.request('POST', '/2015-03-31/functions', { json: made })
  await app.request('POST', `${shop}/aliases`, { json: { Name: 'live', FunctionVersion: '1' } })
})

const errorOf = ({ status, headers, json }: Awaited<ReturnType<TestApp['request']>>) => [
  status,
  headers.get('x-amzn-errortype'),
  json?.message,
]
const invoke = { Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' }

describe('A permission', () => {
  const add = (json: object, query = '') => app.request('POST', `${shop}/policy${query}`, { json })
  const statements = async (query = '') =>
    JSON.parse((await app.request('GET', `${shop}/policy${query}`)).json.Policy).Statement

  test.each([
    ['no statement id', { ...invoke }, 'ValidationException', /statementId/],
    ['a bad statement id', { ...invoke, StatementId: 'a b' }, 'ValidationException', /statementId/],
    ['a bad action', { ...invoke, StatementId: 's', Action: 'invoke' }, 'ValidationException', /action/],
    ['no principal', { StatementId: 's', Action: '*' }, 'InvalidParameterValueException', /Principal/],
  ])('is refused with %s', async (_name, json, type, says) => {
    expect(errorOf(await add(json))).toEqual([400, type, expect.stringMatching(says)])
  })

  test('is refused beyond the length that a policy may have', async () => {
    const long = { ...invoke, SourceArn: `arn:aws:s3:::${'b'.repeat(5000)}` }
    for (const StatementId of ['a', 'b', 'c']) expect((await add({ ...long, StatementId })).status).toBe(201)
    expect(errorOf(await add({ ...long, StatementId: 'd' }))).toEqual([
      400,
      'PolicyLengthExceededException',
      expect.stringMatching(/bigger than the limit \(20480\)/),
    ])
    expect(await statements()).toHaveLength(3)
  })

  test('is refused for $LATEST and for an alias that does not exist', async () => {
    const json = { ...invoke, StatementId: 's' }
    expect(errorOf(await add(json, '?Qualifier=$LATEST')).slice(0, 2)).toEqual([400, 'InvalidParameterValueException'])
    expect(errorOf(await add(json, '?Qualifier=none')).slice(0, 2)).toEqual([404, 'ResourceNotFoundException'])
  })

  test('has its conditions, as clients compare them with what they sent', async () => {
    const sent = { ...invoke, StatementId: 's', SourceArn: 'arn:aws:s3:::b', SourceAccount: '123456789012' }
    const added = await add(sent)
    const statement = {
      Sid: 's',
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'lambda:InvokeFunction',
      Resource: arn,
      Condition: {
        StringEquals: { 'AWS:SourceAccount': '123456789012' },
        ArnLike: { 'AWS:SourceArn': 'arn:aws:s3:::b' },
      },
    }
    expect([added.status, JSON.parse(added.json.Statement)]).toEqual([201, statement])
    expect(await statements()).toEqual([statement])
    const open = { StatementId: 'u', Action: 'lambda:InvokeFunctionUrl', Principal: '*', FunctionUrlAuthType: 'NONE' }
    expect(JSON.parse((await add(open)).json.Statement)).toMatchObject({
      Principal: '*',
      Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } },
    })
  })

  test.each([
    ['123456789012', { AWS: 'arn:aws:iam::123456789012:root' }],
    ['arn:aws:iam::123456789012:user/a', { AWS: 'arn:aws:iam::123456789012:user/a' }],
    ['events.amazonaws.com', { Service: 'events.amazonaws.com' }],
  ])('of the principal %s names it in full', async (Principal, shown) => {
    const added = await add({ ...invoke, StatementId: 's', Principal })
    expect(JSON.parse(added.json.Statement).Principal).toEqual(shown)
  })

  test('of an alias is its own, and goes with the alias', async () => {
    await add({ ...invoke, StatementId: 's' })
    await add({ ...invoke, StatementId: 's' }, '?Qualifier=live')
    expect(await statements('?Qualifier=live')).toMatchObject([{ Sid: 's', Resource: `${arn}:live` }])
    expect((await app.request('DELETE', `${shop}/policy/s?Qualifier=live`)).status).toBe(204)
    expect((await app.request('GET', `${shop}/policy?Qualifier=live`)).status).toBe(404)
    expect(await statements()).toMatchObject([{ Sid: 's', Resource: arn }])

    await add({ ...invoke, StatementId: 's' }, '?Qualifier=live')
    await app.request('DELETE', `${shop}/aliases/live`)
    await app.request('POST', `${shop}/aliases`, { json: { Name: 'live', FunctionVersion: '1' } })
    expect((await app.request('GET', `${shop}/policy?Qualifier=live`)).status).toBe(404)
  })

  test('is changed only at the revision that the client has read', async () => {
    await add({ ...invoke, StatementId: 's' })
    const { RevisionId } = (await app.request('GET', `${shop}/policy`)).json
    expect((await add({ ...invoke, StatementId: 't', RevisionId })).status).toBe(201)
    expect(errorOf(await add({ ...invoke, StatementId: 'u', RevisionId })).slice(0, 2)).toEqual([
      412,
      'PreconditionFailedException',
    ])
    expect((await app.request('DELETE', `${shop}/policy/s?RevisionId=${RevisionId}`)).status).toBe(412)
    expect((await app.request('DELETE', `${shop}/policy/none`)).status).toBe(404)
  })
})

describe('The terms of asynchronous calls', () => {
  const path = '/2019-09-25/functions/shop/event-invoke-config'
  const put = (json: object, query = '') => app.request('PUT', path + query, { json })

  test.each([
    ['too many retries', { MaximumRetryAttempts: 3 }, /MaximumRetryAttempts/],
    ['a short age', { MaximumEventAgeInSeconds: 59 }, /MaximumEventAgeInSeconds/],
    ['a destination', { DestinationConfig: { OnFailure: { Destination: 'arn:aws:sqs:x:1:q' } } }, /on_failure/],
  ])('are refused with %s', async (_name, json, says) => {
    expect(errorOf(await put(json))).toEqual([400, 'InvalidParameterValueException', expect.stringMatching(says)])
  })

  test('are not there before, and each qualifier has its own', async () => {
    expect(errorOf(await app.request('GET', path))).toEqual([
      404,
      'ResourceNotFoundException',
      expect.stringContaining("doesn't have an EventInvokeConfig"),
    ])
    expect((await app.request('POST', path, { json: {} })).status).toBe(404)
    const made = await put({ MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 })
    const shown = {
      LastModified: expect.any(Number),
      FunctionArn: `${arn}:$LATEST`,
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnSuccess: {}, OnFailure: {} },
    }
    expect([made.status, made.json]).toEqual([200, shown])
    await put({ MaximumRetryAttempts: 0 }, '?Qualifier=live')
    const changed = await app.request('POST', path, { json: { MaximumRetryAttempts: 2 } })
    expect(changed.json).toMatchObject({ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 60 })
    const { FunctionEventInvokeConfigs: all } = (await app.request('GET', `${path}/list`)).json
    expect(all.map((one: { FunctionArn: string }) => one.FunctionArn)).toEqual([`${arn}:$LATEST`, `${arn}:live`])
    expect((await app.request('DELETE', `${path}?Qualifier=live`)).status).toBe(204)
    expect((await app.request('GET', `${path}?Qualifier=live`)).status).toBe(404)
  })

  test('decide how often a call of type Event is retried', async () => {
    const accepted = async (query = '') => {
      const asked = { body: '{}', headers: { 'X-Amz-Invocation-Type': 'Event' } }
      const { status, headers } = await app.request('POST', `${shop}/invocations${query}`, asked)
      expect(status).toBe(202)
      return (await app.ledger.find(String(headers.get('x-amzn-requestid'))))?.terms?.retries
    }
    expect(await accepted()).toBeUndefined()
    await put({ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 3600 })
    await put({ MaximumRetryAttempts: 0 }, '?Qualifier=live')
    const on = ['error', 'failed', 'timeout']
    expect(await accepted()).toEqual({ maxAttempts: 3, maxAgeMs: 3_600_000, on, firstPauseMs: 60_000, factor: 2 })
    expect(await accepted('?Qualifier=live')).toEqual({ maxAttempts: 1, on, firstPauseMs: 60_000, factor: 2 })
  })
})
