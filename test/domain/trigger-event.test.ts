import { describe, expect, test } from 'vitest'
import type { Job } from '../../src/domain/job.ts'
import type { Source } from '../../src/domain/source.ts'
import { eventOfObject, inputOfJob } from '../../src/domain/trigger-event.ts'

const source = { id: 's-1', projectId: 'red', container: 'photos' } as Source
const object = { name: 'a b.jpg', etag: 'e1', bytes: 3, lastModified: '2026-11-30T10:00:00.123456' }
const job = { id: 'j-1', name: 'nightly', functionInput: null } as Job

describe('an object tells', () => {
  test('functions of ours in our words', () => {
    expect(eventOfObject(source, 'created', object, 'event')).toMatchObject({ type: 'object.created', source: 's-1' })
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

  test.each(['event', 'openwhisk'] as const)('tells functions of the signature %s nothing', (signature) => {
    expect(inputOfJob(job, 0, 'r-1', signature)).toBeNull()
  })
})

test('the input of a job is what its function gets, whatever it is called by', () => {
  expect(inputOfJob({ ...job, functionInput: '{"a":1}' }, 0, 'r-1', 'lambda')).toBe('{"a":1}')
})
