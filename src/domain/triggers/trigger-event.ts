import { factsOf, type Signature } from '../functions/signature.ts'
import type { Job } from './job.ts'
import { eventOf, type ListedObject, type Source, type SourceEvent } from './source.ts'

/** The events of triggers in the format of the function's signature. */

const account = '000000000000'
const region = 'us-east-1'

/** Input of a job's run: its own unless that is empty, else the platform's event of a due schedule; null: none. */
export function inputOfJob(job: Job, atMs: number, runId: string, signature: Signature): string | null {
  if (job.functionInput) return job.functionInput
  const event = jobEvents[factsOf(signature).events](job, atMs, runId)
  return event === null ? null : JSON.stringify(event)
}

/** The scheduled event of EventBridge. */
function scheduledEvent(job: Job, atMs: number, id: string): object {
  return {
    version: '0',
    id,
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account,
    time: `${new Date(atMs).toISOString().slice(0, 19)}Z`,
    region,
    resources: [`arn:aws:events:${region}:${account}:rule/${job.name ?? job.id}`],
    detail: {},
  }
}

const jobEvents = {
  own: () => null,
  aws: scheduledEvent,
  cloudevents: (job: Job, atMs: number, id: string) => ({
    ...attributes(id, 'io.taibai.job.fired', `/v1/jobs/${job.id}`, atMs),
    ...(job.name !== null && { subject: job.name }),
  }),
  openwhisk: () => null,
  google: scheduledMessage,
  azure: () => null,
}

/** The Pub/Sub message of Cloud Scheduler. */
function scheduledMessage(job: Job, atMs: number, id: string): object {
  const topic = `projects/${job.projectId}/topics/${job.name ?? job.id}`
  const publishTime = new Date(atMs).toISOString()
  const message = { data: '', attributes: {}, messageId: id, message_id: id, publishTime, publish_time: publishTime }
  const subscription = `projects/${job.projectId}/subscriptions/${job.name ?? job.id}`
  return {
    ...attributes(id, 'google.cloud.pubsub.topic.v1.messagePublished', `//pubsub.googleapis.com/${topic}`, atMs),
    datacontenttype: 'application/json',
    data: { message, subscription },
  }
}

const attributes = (id: string, type: string, source: string, atMs: number) => ({
  specversion: '1.0',
  id,
  source,
  type,
  time: new Date(atMs).toISOString(),
})

/** The event of a created, changed or deleted object. */
export function eventOfObject(source: Source, event: SourceEvent, object: ListedObject, signature: Signature): object {
  return objectEvents[factsOf(signature).events](source, event, object)
}

const objectEvents = {
  own: eventOf,
  aws: (source: Source, event: SourceEvent, object: ListedObject) => ({
    Records: [objectRecord(source, event, object)],
  }),
  cloudevents: (source: Source, event: SourceEvent, object: ListedObject) => ({
    ...attributes(eventId(source, object), `io.taibai.object.${event}`, `/v1/sources/${source.id}`, timeOf(object)),
    subject: object.name,
    datacontenttype: 'application/json',
    data: eventOf(source, event, object),
  }),
  openwhisk: feedOfObject,
  google: storageEvent,
  azure: gridEvent,
}

const feedEvents: Record<SourceEvent, string> = {
  created: 'Object:Create',
  changed: 'Object:Write',
  deleted: 'Object:Delete',
}

/** The object event of OpenWhisk's feed. */
function feedOfObject(source: Source, event: SourceEvent, { name, etag, bytes, lastModified }: ListedObject): object {
  return {
    bucket: source.container,
    key: name,
    endpoint: '',
    file: { ETag: etag, Size: bytes, LastModified: `${lastModified.slice(0, 23).padEnd(23, '0')}Z` },
    notification: { event_type: feedEvents[event], object_name: name, bucket_name: source.container },
  }
}

/** The object event of Cloud Storage. */
function storageEvent(source: Source, event: SourceEvent, object: ListedObject): object {
  const time = new Date(timeOf(object)).toISOString()
  const kind = event === 'deleted' ? 'deleted' : 'finalized'
  const bucket = `//storage.googleapis.com/projects/_/buckets/${source.container}`
  return {
    ...attributes(eventId(source, object), `google.cloud.storage.object.v1.${kind}`, bucket, timeOf(object)),
    subject: `objects/${object.name}`,
    datacontenttype: 'application/json',
    data: {
      kind: 'storage#object',
      id: `${source.container}/${object.name}/${sequencerOf(object.lastModified)}`,
      bucket: source.container,
      name: object.name,
      size: String(object.bytes),
      timeCreated: time,
      updated: time,
      generation: sequencerOf(object.lastModified),
      metageneration: '1',
      md5Hash: /^[0-9a-f]{32}$/.test(object.etag) ? Buffer.from(object.etag, 'hex').toString('base64') : object.etag,
    },
  }
}

/** The event of Event Grid about a blob. */
function gridEvent(source: Source, event: SourceEvent, object: ListedObject): object {
  const isGone = event === 'deleted'
  const blob = `${source.container}/${urlPath(object.name)}`
  return {
    id: eventId(source, object),
    topic: `/v1/sources/${source.id}`,
    subject: `/blobServices/default/containers/${source.container}/blobs/${object.name}`,
    eventType: isGone ? 'Microsoft.Storage.BlobDeleted' : 'Microsoft.Storage.BlobCreated',
    eventTime: new Date(timeOf(object)).toISOString(),
    data: {
      api: isGone ? 'DeleteBlob' : 'PutBlob',
      contentType: 'application/octet-stream',
      ...(!isGone && { contentLength: object.bytes, eTag: object.etag }),
      blobType: 'BlockBlob',
      url: `https://localhost/${blob}`,
      sequencer: sequencerOf(object.lastModified),
    },
    dataVersion: '1',
    metadataVersion: '1',
  }
}

/** The same id for the same state of the object, so that receivers can detect duplicates. */
const eventId = (source: Source, { name, etag, lastModified }: ListedObject): string =>
  `${source.id}/${name}/${etag}/${sequencerOf(lastModified)}`

/** 1970 for an unreadable time. */
const timeOf = ({ lastModified }: ListedObject): number => Date.parse(`${lastModified.slice(0, 23)}Z`) || 0

/** The object record of S3. */
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

const urlPath = (name: string): string => name.split('/').map(encodeURIComponent).join('/')

/** With + for a space, as in a form. */
const urlEncoded = (name: string): string =>
  name
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%20', '+'))
    .join('/')

/** Text of fixed length that grows with time. */
const sequencerOf = (lastModified: string): string => lastModified.replaceAll(/\D/g, '').padEnd(20, '0')
