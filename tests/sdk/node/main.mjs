// Sends events with the unmodified Node SDK of Segment.
//
//   node main.mjs ADDRESS KEY COUNT
//
// Every event carries its number, so that the reader of the other end can tell which arrived.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey, count] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, flushAt: 15, flushInterval: 50, maxRetries: 10 })

const failures = []
analytics.on('error', (err) => failures.push(err))

for (let n = 0; n < Number(count); n++) {
  const userId = `node-${n % 7}`
  if (n < 7) {
    analytics.identify({ userId, traits: { email: `${userId}@acme.example`, n } })
  } else if (n % 5 === 0) {
    analytics.page({ userId, name: 'Pricing', properties: { path: '/pricing', n } })
  } else if (n % 11 === 0) {
    analytics.group({ userId, groupId: 'acme', traits: { name: 'Acme', n } })
  } else {
    analytics.track({ userId, event: 'Feature Used', properties: { n } })
  }
}
await analytics.closeAndFlush({ timeout: 60_000 })

if (failures.length > 0) {
  console.error(failures)
  process.exit(1)
}
