const packages = require('../../packages.cjs')
module.exports = packages['@google-cloud/functions-framework']()
0 && (module.exports = { http, cloudEvent })
