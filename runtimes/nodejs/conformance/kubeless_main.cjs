// Called as Kubeless calls functions: says what it sees, or throws.

exports.main = (event, context) => {
  if (event.data.do === 'throw') throw new TypeError('as asked')
  const { method } = event.extensions.request
  return { data: event.data, id: event['event-id'], from: event['event-namespace'], method, context }
}
