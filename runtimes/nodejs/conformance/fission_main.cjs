// Called as Fission calls functions: says what it sees, or throws.

exports.main = async ({ request }) => {
  if (request.path === '/throw') throw new TypeError('as asked')
  const { method, path, body, headers } = request
  return { status: 201, headers: { 'x-a': '1' }, body: { method, path, body, name: headers['x-fission-function-name'] } }
}
