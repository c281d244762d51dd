// Called with CloudEvents: gives back what it sees, or an event of its own.

export function main(event, context) {
  if (event.type === 'answer') {
    return { specversion: '1.0', id: 'ä 1', source: '/conformance', type: 'answered', datacontenttype: 'application/json', data: { n: 1 } }
  }
  if (event.type === 'throw') throw new TypeError('as asked')
  const { data, ...attributes } = event
  return { attributes, data: data instanceof Uint8Array ? { bytes: data.length } : (data ?? null), execution: context.executionId }
}
