import { describe, expect, test } from 'vitest'
import { signatureNames } from '../../src/domain/functions/signature.ts'
import type { Job } from '../../src/domain/triggers/job.ts'
import type { ListedObject, Source } from '../../src/domain/triggers/source.ts'
import { eventOfObject, inputOfJob } from '../../src/domain/triggers/trigger-event.ts'

const source = { id: 's-1', projectId: 'red', container: 'photos' } as Source
const object = { name: 'a b.jpg', etag: 'e1', bytes: 3, lastModified: '2026-11-30T10:00:00.123456' }
const job = { id: 'j-1', name: 'nightly', functionInput: null } as Job

describe('an object tells', () => {
  test('functions of ours in our words', () => {
    expect(eventOfObject(source, 'created', object, 'event')).toMatchObject({ type: 'object.created', source: 's-1' })
  })

  test('functions of Azure as Event Grid does', () => {
    expect(eventOfObject(source, 'changed', object, 'azure')).toMatchObject({
      ...{ topic: '/v1/sources/s-1', subject: '/blobServices/default/containers/photos/blobs/a b.jpg' },
      ...{ eventType: 'Microsoft.Storage.BlobCreated', eventTime: '2026-11-30T10:00:00.123Z', dataVersion: '1' },
      data: { api: 'PutBlob', contentLength: 3, eTag: 'e1', url: 'https://localhost/photos/a%20b.jpg' },
    })
    const gone = eventOfObject(source, 'deleted', object, 'azure')
    expect(gone).toMatchObject({ eventType: 'Microsoft.Storage.BlobDeleted', data: { api: 'DeleteBlob' } })
    expect(gone).not.toHaveProperty('data.contentLength')
  })

  test('functions of AWS Lambda as S3 does', () => {
    expect(eventOfObject(source, 'deleted', object, 'lambda')).toMatchObject({
      Records: [{ eventName: 'ObjectRemoved:Delete', s3: { object: { key: 'a+b.jpg' } } }],
    })
  })

  test.each([
    ['created', 'Object:Create'],
    ['changed', 'Object:Write'],
    ['deleted', 'Object:Delete'],
  ] as const)('actions of OpenWhisk as the feed of an object store: %s is %s', (event, type) => {
    expect(eventOfObject(source, event, object, 'openwhisk')).toEqual({
      bucket: 'photos',
      key: 'a b.jpg',
      endpoint: '',
      file: { ETag: 'e1', Size: 3, LastModified: '2026-11-30T10:00:00.123Z' },
      notification: { event_type: type, object_name: 'a b.jpg', bucket_name: 'photos' },
    })
  })
})

describe('a job without an input', () => {
  test('tells functions of AWS Lambda what EventBridge does', () => {
    expect(JSON.parse(String(inputOfJob(job, 0, 'r-1', 'lambda')))).toMatchObject({ 'detail-type': 'Scheduled Event' })
  })

  test('is also one whose input was emptied', () => {
    const emptied = { ...job, functionInput: '' }
    expect(inputOfJob(emptied, 0, 'r-1', 'lambda')).toBe(inputOfJob(job, 0, 'r-1', 'lambda'))
  })

  test.each(['event', 'openwhisk'] as const)('tells functions of the signature %s nothing', (signature) => {
    expect(inputOfJob(job, 0, 'r-1', signature)).toBeNull()
  })
})

test('the input of a job is what its function gets, whatever it is called by', () => {
  expect(inputOfJob({ ...job, functionInput: '{"a":1}' }, 0, 'r-1', 'lambda')).toBe('{"a":1}')
})

const nightly = { id: 'j-1', name: 'nightly', projectId: 'p-1', functionInput: null } as Job
const photos = { id: 's-1', container: 'photos', projectId: 'p-1' } as Source
const picture: ListedObject = {
  name: 'a/b c.jpg',
  etag: '5d41402abc4b2a76b9719d911017c592',
  bytes: 5,
  lastModified: '2030-01-02T03:04:05.678900',
}
const atMs = Date.UTC(2030, 0, 2)

test('a job of a CloudEvents function fires an event of ours', () => {
  expect(JSON.parse(inputOfJob(nightly, atMs, 'e-1', 'cloudevent') ?? '')).toEqual({
    specversion: '1.0',
    id: 'e-1',
    source: '/v1/jobs/j-1',
    type: 'io.taibai.job.fired',
    time: '2030-01-02T00:00:00.000Z',
    subject: 'nightly',
  })
})

test("a job of a function of Google's is a message of Pub/Sub", () => {
  expect(JSON.parse(inputOfJob(nightly, atMs, 'e-1', 'gcf') ?? '')).toMatchObject({
    specversion: '1.0',
    id: 'e-1',
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    data: {
      message: { messageId: 'e-1', data: '', attributes: {} },
      subscription: 'projects/p-1/subscriptions/nightly',
    },
  })
})

test('an input of its own is just that, and a function that has no other words gets nothing', () => {
  expect(signatureNames.map((name) => inputOfJob({ ...nightly, functionInput: '{"a":1}' }, atMs, 'e-1', name))).toEqual(
    signatureNames.map(() => '{"a":1}'),
  )
  expect(inputOfJob(nightly, atMs, 'e-1', 'event')).toBeNull()
})

test('an object that has come, as Cloud Storage tells of it', () => {
  expect(eventOfObject(photos, 'created', picture, 'gcf')).toEqual({
    specversion: '1.0',
    id: expect.stringContaining('a/b c.jpg'),
    source: '//storage.googleapis.com/projects/_/buckets/photos',
    type: 'google.cloud.storage.object.v1.finalized',
    subject: 'objects/a/b c.jpg',
    time: '2030-01-02T03:04:05.678Z',
    datacontenttype: 'application/json',
    data: {
      kind: 'storage#object',
      id: 'photos/a/b c.jpg/20300102030405678900',
      bucket: 'photos',
      name: 'a/b c.jpg',
      size: '5',
      timeCreated: '2030-01-02T03:04:05.678Z',
      updated: '2030-01-02T03:04:05.678Z',
      generation: '20300102030405678900',
      metageneration: '1',
      md5Hash: 'XUFAKrxLKna5cZ2REBfFkg==',
    },
  })
  expect(eventOfObject(photos, 'deleted', picture, 'gcf')).toMatchObject({
    type: 'google.cloud.storage.object.v1.deleted',
  })
  expect(eventOfObject(photos, 'changed', picture, 'cloudevent')).toMatchObject({
    type: 'io.taibai.object.changed',
    source: '/v1/sources/s-1',
    subject: 'a/b c.jpg',
  })
})
