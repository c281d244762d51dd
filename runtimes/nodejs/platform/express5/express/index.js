const packages = require('../packages.cjs')
module.exports = packages['express']()
0 && (module.exports = { application, request, response, Route, Router, json, raw, static, text, urlencoded })
