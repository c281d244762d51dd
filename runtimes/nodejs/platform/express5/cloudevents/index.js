const packages = require('../packages.cjs')
module.exports = packages['cloudevents']()
0 && (module.exports = { CloudEvent, V1, V03, ValidationError, Mode, HTTP, Kafka, MQTT, MQTTMessageFactory, emitterFor, httpTransport, Emitter, CONSTANTS })
