import type { Job } from './job.ts'
import { factsOf, type Signature } from './signature.ts'
import { eventOf, type ListedObject, type Source, type SourceEvent } from './source.ts'

/** What triggers have to tell a function, in the form that its signature's platform has for it. */

const account = '000000000000'
const region = 'us-east-1'

/** Input of a job's run: its own, else what the platform says of a schedule that is due; null: nothing. */
export function inputOfJob(job: Job, atMs: number, runId: string, signature: Signature): string | null {
  if (job.functionInput !== null || factsOf(signature).events !== 'aws') return job.functionInput
  return JSON.stringify(scheduledEvent(job, atMs, runId))
}

/** As EventBridge tells of a schedule. */
const scheduledEvent = (job: Job, atMs: number, id: string) => ({
  version: '0',
  id,
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account,
  time: `${new Date(atMs).toISOString().slice(0, 19)}Z`,
  region,
  resources: [`arn:aws:events:${region}:${account}:rule/${job.name ?? job.id}`],
  detail: {},
})

/** What a function is told of an object that has come, changed or gone. */
export function eventOfObject(source: Source, event: SourceEvent, object: ListedObject, signature: Signature): object {
  const { events } = factsOf(signature)
  if (events === 'own') return eventOf(source, event, object)
  if (events === 'openwhisk') return feedOfObject(source, event, object)
  return { Records: [objectRecord(source, event, object)] }
}

const feedEvents: Record<SourceEvent, string> = {
  created: 'Object:Create',
  changed: 'Object:Write',
  deleted: 'Object:Delete',
}

/** As OpenWhisk's feed of an object store tells of an object. */
const feedOfObject = (source: Source, event: SourceEvent, { name, etag, bytes, lastModified }: ListedObject) => ({
  bucket: source.container,
  key: name,
  endpoint: '',
  file: { ETag: etag, Size: bytes, LastModified: `${lastModified.slice(0, 23).padEnd(23, '0')}Z` },
  notification: { event_type: feedEvents[event], object_name: name, bucket_name: source.container },
})

/** As S3 tells of an object. */
const objectRecord = (source: Source, event: SourceEvent, { name, etag, bytes, lastModified }: ListedObject) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  awsRegion: region,
  eventTime: `${lastModified.slice(0, 23).padEnd(23, '0')}Z`,
  eventName: event === 'deleted' ? 'ObjectRemoved:Delete' : 'ObjectCreated:Put',
  userIdentity: { principalId: source.projectId },
  requestParameters: { sourceIPAddress: '127.0.0.1' },
  responseElements: {},
  s3: {
    s3SchemaVersion: '1.0',
    configurationId: source.id,
    bucket: {
      name: source.container,
      ownerIdentity: { principalId: source.projectId },
      arn: `arn:aws:s3:::${source.container}`,
    },
    object: { key: urlEncoded(name), size: bytes, eTag: etag, sequencer: sequencerOf(lastModified) },
  },
})

/** With + for a blank, as in a form. */
const urlEncoded = (name: string): string =>
  name
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%20', '+'))
    .join('/')

/** Grows with time, as text of one length. */
const sequencerOf = (lastModified: string): string => lastModified.replaceAll(/\D/g, '').padEnd(20, '0')
