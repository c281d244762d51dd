/** Another name of `gcf`. */

module.exports = require('./gcf.cjs')
