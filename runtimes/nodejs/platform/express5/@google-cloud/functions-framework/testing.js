const packages = require('../../packages.cjs')
module.exports = packages['@google-cloud/functions-framework/testing.js']()
0 && (module.exports = { getFunction, getTestServer })
