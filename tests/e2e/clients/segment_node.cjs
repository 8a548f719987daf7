// Sends COUNT calls with @segment/analytics-node: node segment_node.cjs URL WRITE_KEY COUNT
const { Analytics } = require('@segment/analytics-node')

const [host, writeKey, count] = process.argv.slice(2)

async function main() {
  const analytics = new Analytics({ writeKey, host, flushAt: 50 })
  const errors = []
  analytics.on('error', (error) => errors.push(error))
  for (let n = 0; n < Number(count); n++) {
    const userId = `user-${n % 7}`
    switch (n % 10) {
      case 0: analytics.identify({ userId, traits: { n } }); break
      case 1: analytics.page({ userId, category: 'docs', name: 'intro', properties: { n } }); break
      case 2: analytics.screen({ userId, category: 'docs', name: 'intro', properties: { n } }); break
      case 3: analytics.group({ userId, groupId: 'group-1', traits: { n } }); break
      case 4: analytics.alias({ userId, previousId: `anonymous-${n}` }); break
      default: analytics.track({ userId, event: 'Lesson Started', properties: { n, title: 'Überblick 🙂' } })
    }
  }
  await analytics.closeAndFlush({ timeout: 60000 })
  if (errors.length) throw new Error(`${errors.length} errors, the first: ${JSON.stringify(errors[0])}`)
}

main().catch((error) => { console.error(error); process.exit(1) })
